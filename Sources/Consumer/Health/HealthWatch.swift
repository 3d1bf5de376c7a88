import Kafka
import SessionStore
import Synchronization

/// What of a worker's health has to be remembered from one look to the next.
final class HealthWatch: Sendable {
    private struct State {
        var lastMember: ContinuousClock.Instant
        var storeWorked: ContinuousClock.Instant?
        var storeError: StoreError?
        var reportedHeads: [TopicPartition: (offset: Int64, at: ContinuousClock.Instant)] = [:]
    }

    private let state = Mutex(State(lastMember: .now))

    /// How long the worker has been outside its group, as far as is known now.
    func outsideGroup(_ membership: GroupMembership, at now: ContinuousClock.Instant) -> Duration? {
        state.withLock { state in
            if case .member = membership {
                state.lastMember = now
                return nil
            }
            return now - state.lastMember
        }
    }

    func storeWorked(at now: ContinuousClock.Instant) {
        state.withLock { state in
            state.storeWorked = now
            state.storeError = nil
        }
    }

    func storeFailed(_ error: StoreError) {
        state.withLock { $0.storeError = error }
    }

    /// Why the store is away; `nil` if it works.
    var storeError: StoreError? { state.withLock { $0.storeError } }

    /// How long ago the store last answered.
    func storeAge(at now: ContinuousClock.Instant) -> Duration? {
        state.withLock { state in state.storeWorked.map { now - $0 } }
    }

    /// Those heads that have held their partition back for longer than `limit` and are to be told of: each when it is
    /// found, and again each time that `limit` has passed.
    func overdue(
        _ heads: [TopicPartition: ConsumerStatus.Head], limit: Duration, at now: ContinuousClock.Instant
    ) -> [(partition: TopicPartition, head: ConsumerStatus.Head)] {
        state.withLock { state in
            let overdue = heads.filter { $0.value.age > limit }
            state.reportedHeads = state.reportedHeads.filter { overdue[$0.key]?.offset == $0.value.offset }
            var found: [(TopicPartition, ConsumerStatus.Head)] = []
            for (partition, head) in overdue.sorted(by: { $0.key < $1.key }) {
                if let told = state.reportedHeads[partition], now - told.at < limit { continue }
                state.reportedHeads[partition] = (head.offset, now)
                found.append((partition, head))
            }
            return found
        }
    }
}
