internal import Synchronization

/// Commits under way, each settled exactly once: by its reply, by giving up, or when the consumer closes.
final class PendingCommits: Sendable {
    typealias Outcome = Result<[TopicPartition: KafkaError?], KafkaError>

    private struct State {
        var lastToken = 0
        var settlements: [Int: @Sendable (Outcome) -> Void] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// - Returns: the token to settle it by; nil if the consumer is closed.
    func begin(_ settlement: @escaping @Sendable (Outcome) -> Void) -> Int? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            state.lastToken += 1
            state.settlements[state.lastToken] = settlement
            return state.lastToken
        }
    }

    /// - Returns: false if it was settled before.
    @discardableResult
    func settle(_ token: Int, _ outcome: Outcome) -> Bool {
        let settlement = state.withLock { $0.settlements.removeValue(forKey: token) }
        settlement?(outcome)
        return settlement != nil
    }

    /// Forgets a commit that never got under way.
    /// - Returns: false if it was settled before.
    func abandon(_ token: Int) -> Bool {
        state.withLock { $0.settlements.removeValue(forKey: token) } != nil
    }

    /// Settles what is left, and begins no more.
    func close() {
        let left = state.withLock { state in
            defer { state.settlements = [:] }
            state.isClosed = true
            return Array(state.settlements.values)
        }
        for settlement in left { settlement(.failure(.closed("commit offsets"))) }
    }
}
