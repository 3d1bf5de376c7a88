/// The highest settled offset of a log, with the fingerprint of the record that was there: what a log is recognised by.
struct SettledMark: Hashable, Sendable {
    let offset: Int64
    let fingerprint: Int64

    /// What can be said of a log that reaches from `startOffset` up to, but not including, `endOffset`.
    enum Verdict: Hashable {
        case sameLog
        case anotherLog(reason: String)
        /// Only the record at the mark can tell.
        case dependsOnRecord
    }

    func judge(startOffset: Int64, endOffset: Int64) -> Verdict {
        if offset >= endOffset {
            return .anotherLog(reason: "offset \(offset) was settled, but the log now ends at \(endOffset)")
        }
        return offset >= startOffset ? .dependsOnRecord : .sameLog
    }

    /// The verdict once the record at the mark was looked up; nil means that there is none.
    func judge(found: Int64?) -> Verdict {
        guard let found, found != fingerprint else { return .sameLog }
        return .anotherLog(reason: "the record at offset \(offset) is not the one that was settled there")
    }
}
