/// Where a dead letter stands on the dead letters topic: what it is named by.
struct LetterID: Sendable, Hashable, Comparable, CustomStringConvertible {
    var partition: Int32
    var offset: Int64

    init(partition: Int32, offset: Int64) {
        self.partition = partition
        self.offset = offset
    }

    /// `nil` unless the text is `PARTITION-OFFSET`.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let partition = Int32(parts[0]), let offset = Int64(parts[1]),
            text == "\(partition)-\(offset)"
        else { return nil }
        self.init(partition: partition, offset: offset)
    }

    static func < (left: LetterID, right: LetterID) -> Bool {
        (left.partition, left.offset) < (right.partition, right.offset)
    }

    var description: String { "\(partition)-\(offset)" }
}
