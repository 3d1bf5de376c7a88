import Kafka
import SessionStore

/// What a session has done, as far as it matters to those of its requests that were set aside.
struct SessionProgress: Sendable, Hashable {
    /// A turn that was carried through. One that was set aside itself is none of these.
    struct Turn: Sendable, Hashable {
        var number: Int
        /// The request that it answered.
        var request: TopicPartition
        var offset: Int64
        /// Milliseconds since 1970.
        var startedAt: Int64
    }

    /// Places of requests that were sent again, and the offsets that these had at first.
    typealias SentAgain = [TopicPartition: [Int64: Int64]]

    var isClosed: Bool
    /// The last settled offset in each partition; of logs with the same name, the highest.
    var positions: [TopicPartition: Int64]
    var turns: [Turn]

    /// How many turns the session has carried through for requests behind the letter's.
    ///
    /// By the number of the turn that was given up, where the letter has one: a topic that was made again counts its
    /// offsets anew, a session never does its turns. A request that was sent again stands where it stood at first.
    func turnsBehind(_ letter: Letter, _ sentAgain: SentAgain) -> Int {
        guard let destination = letter.destination else { return 0 }
        return turns.count { turn in
            if turn.request == destination {
                if let place = sentAgain[turn.request]?[turn.offset] { return place > letter.place }
            }
            if let given = letter.turn, turn.number > given { return true }
            // What was begun before the request was written is of an earlier log of that name.
            let isSameLog = letter.redrives > 0 || letter.sentAt < 0 || turn.startedAt >= letter.sentAt
            return turn.request == destination && turn.offset > letter.place && isSameLog
        }
    }

    /// Whether the letter's request was carried through after all: its worker died after it had written the letter,
    /// and the next one had a larger budget.
    func hasAnswered(_ letter: Letter) -> Bool {
        guard let origin = letter.origin, let number = letter.turn else { return false }
        return turns.contains {
            $0.number == number && $0.request == origin.topicPartition && $0.offset == origin.offset
        }
    }
}

extension SessionProgress {
    /// Looks a session up.
    /// - Parameter since: turns begun before that time need not be there; milliseconds since 1970.
    /// - Returns: `nil` if the store knows no such session.
    init?(of session: String, since: Int64, in store: any SessionStore) async throws(StoreError) {
        guard let stored = try await store.loadSession(session) else { return nil }
        isClosed = stored.isClosed
        positions = [:]
        for position in stored.positions {
            let log = TopicPartition(topic: position.log.topic, partition: position.log.partition)
            positions[log] = max(position.offset, positions[log] ?? position.offset)
        }
        turns = try await store.runs(of: session) { $0.startedAt < since }.compactMap(Turn.init)
    }
}

extension SessionProgress.Turn {
    fileprivate init?(_ run: StoredRun) {
        switch run.status {
        case .completed, .stopped, .failed: break
        case .running, .interrupted, .deadLettered: return nil
        }
        self.init(
            number: run.turn,
            request: TopicPartition(topic: run.position.log.topic, partition: run.position.log.partition),
            offset: run.position.offset, startedAt: run.startedAt)
    }
}
