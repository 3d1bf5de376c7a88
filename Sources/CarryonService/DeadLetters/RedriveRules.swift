import Kafka

/// Decides which letters may be sent again, and in which order.
struct RedriveRules: Sendable {
    /// Whether the selection means the undecodable too.
    var includesUndecodable: Bool
    /// Whether conversations that went on are no obstacle.
    var isBehindNewerAllowed: Bool
    /// How many partitions the topics have that letters are sent to.
    var partitions: [String: Int]
    var sentAgain: SessionProgress.SentAgain

    /// Why the letter is left out; `nil` if it may be sent.
    /// - Parameter progress: its session's, if the store knows it.
    func refusal(of entry: LetterLedger.Entry, _ progress: SessionProgress?) -> RedriveRefusal? {
        let letter = entry.letter
        if let resolution = entry.resolution { return .resolved(resolution) }
        guard let destination = letter.destination else { return .unknownOrigin }
        guard !letter.isUndecodable || includesUndecodable else { return .undecodable }
        guard destination.partition < partitions[destination.topic] ?? 0 else { return .noPartition(destination) }
        guard let progress else { return nil }
        if progress.isClosed { return .closed }
        if progress.hasAnswered(letter) { return .answered }
        let newer = isBehindNewerAllowed ? 0 : progress.turnsBehind(letter, sentAgain)
        return newer > 0 ? .behindNewer(turns: newer) : nil
    }

    /// The letters in the order in which they are sent: each session's in that of its conversation; the sessions mixed
    /// as they are on the dead letters topic, so that the letters can be read again in stretches.
    static func order(_ letters: [Letter]) -> [Letter] {
        var ordered = letters.sorted { $0.id < $1.id }
        let places = Dictionary(grouping: ordered.indices, by: { ordered[$0].lane })
        for indexes in places.values where indexes.count > 1 {
            let lane = indexes.map { ordered[$0] }.sorted { ($0.place, $0.id) < ($1.place, $1.id) }
            for (index, letter) in zip(indexes, lane) { ordered[index] = letter }
        }
        return ordered
    }
}

/// Letters that must be sent one after the other.
struct LetterLane: Sendable, Hashable {
    var partition: TopicPartition?
    /// `nil` for records without one, which keep their order among themselves.
    var key: [UInt8]?
}

extension Letter {
    var lane: LetterLane { LetterLane(partition: destination, key: key) }
}

extension SessionProgress.SentAgain {
    /// Where the requests of these letters went, and the offsets that they had at first.
    init(_ entries: [LetterLedger.Entry]) {
        self.init()
        for entry in entries {
            guard let destination = entry.letter.destination else { continue }
            for sent in entry.resolutions.compactMap(\.sentTo) {
                let partition = TopicPartition(topic: destination.topic, partition: sent.partition)
                self[partition, default: [:]][sent.offset] = entry.letter.place
            }
        }
    }
}
