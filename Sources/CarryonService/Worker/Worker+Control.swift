import Consumer
import Kafka
import SessionStore
import TurnHost

extension Worker: WorkerControl {
    /// The turn hosts work by these settings from now on.
    func adjust(_ tuning: HostTuning) {
        consumer.adjust(tuning)
    }

    func pause(partition: Int32, because reason: String) async -> PausedPartition? {
        guard await exists(partition) else { return nil }
        consumer.halt(partition: partition, because: reason)
        return state(of: partition)
    }

    func resume(partition: Int32) async -> PausedPartition? {
        guard await exists(partition) else { return nil }
        consumer.goOn(partition: partition)
        return state(of: partition)
    }

    func park(session: String, because reason: String) async throws(StoreError) -> ParkedSession {
        let park = ParkedSession(session: session, reason: reason, since: wallClock())
        try await store.park(park)
        try await consumer.readParks()
        return park
    }

    func release(session: String) async throws(StoreError) -> ParkedSession? {
        try await store.beginRelease(of: session)
        try await consumer.readParks()
        return try await store.parkedSession(session)
    }

    func parkedSessions() async throws(StoreError) -> [ParkedSession] {
        try await store.parkedSessions()
    }

    /// While the brokers can't be asked, any number may be one.
    private func exists(_ partition: Int32) async -> Bool {
        guard let count = await consumer.partitionCount() else { return true }
        return partition < count
    }

    private func state(of number: Int32) -> PausedPartition {
        let isAssigned = consumer.status.partitions.contains { $0.partition.partition == number }
        let reason = consumer.halted.first { $0.key.partition == number }?.value
        return PausedPartition(partition: number, isAssigned: isAssigned, reason: reason)
    }
}
