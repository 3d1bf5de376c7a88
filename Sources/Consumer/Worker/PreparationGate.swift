import Dispatch
import Kafka
import Synchronization

/// Where a rebalance waits for the partitions that it was given, up to its budget. What comes later finds it closed.
final class PreparationGate: Sendable {
    private struct State {
        var prepared: [TopicPartition: PartitionPreparation.Prepared] = [:]
        var missing: Set<TopicPartition>
        var isClosed = false
    }

    private let state: Mutex<State>
    private let arrivals = DispatchSemaphore(value: 0)

    init(expecting partitions: [TopicPartition]) {
        state = Mutex(State(missing: Set(partitions)))
    }

    /// Returns whether it came in time; otherwise the caller has to see to the partition itself.
    func deliver(_ prepared: PartitionPreparation.Prepared, for partition: TopicPartition) -> Bool {
        let isInTime = state.withLock { state in
            guard !state.isClosed else { return false }
            state.prepared[partition] = prepared
            state.missing.remove(partition)
            return true
        }
        arrivals.signal()
        return isInTime
    }

    /// The partition will take longer than anybody should wait.
    func giveUp(_ partition: TopicPartition) {
        _ = state.withLock { $0.missing.remove(partition) }
        arrivals.signal()
    }

    /// Blocks the calling thread until everything is there or the budget is used up.
    func wait(upTo budget: Duration) -> [TopicPartition: PartitionPreparation.Prepared] {
        let deadline = DispatchTime.now() + budget.seconds
        while state.withLock({ !$0.missing.isEmpty }), arrivals.wait(timeout: deadline) == .success {}
        return state.withLock { state in
            state.isClosed = true
            return state.prepared
        }
    }
}
