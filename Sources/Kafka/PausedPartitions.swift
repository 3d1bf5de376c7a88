internal import CRdkafka
internal import Synchronization

/// What of a consumer's partitions is paused: the set says what librdkafka does.
///
/// Calls out with its lock held, as nothing else does: of two threads that pause and resume, the last one to change the
/// set has to be the last one to tell librdkafka. The calls wait for librdkafka's own thread, which waits for nobody.
final class PausedPartitions: Sendable {
    private let paused = Mutex<Set<TopicPartition>>([])

    var all: Set<TopicPartition> { paused.withLock { $0 } }

    /// Leaves alone what is paused already: where it goes on is settled, and may have been changed by a seek since.
    func pause(
        _ partitions: some Collection<TopicPartition>, in client: OpaquePointer, operation: String
    ) throws(KafkaError) {
        try paused.withLock { paused throws(KafkaError) in
            let unpaused = Set(partitions).subtracting(paused)
            guard !unpaused.isEmpty else { return }
            let list = PartitionList(unpaused)
            let code = rd_kafka_pause_partitions(client, list.pointer)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation: operation) }
            for element in list.pointer.elements where element.err == RD_KAFKA_RESP_ERR_NO_ERROR {
                paused.insert(element.topicPartition)
            }
            try list.pointer.throwFirst(operation)
        }
    }

    /// Leaves alone what is not paused: librdkafka would throw away what it has fetched ahead.
    func resume(
        _ partitions: some Collection<TopicPartition>, in client: OpaquePointer, operation: String
    ) throws(KafkaError) {
        try paused.withLock { paused throws(KafkaError) in
            let known = paused.intersection(partitions)
            guard !known.isEmpty else { return }
            let list = PartitionList(known)
            let code = rd_kafka_resume_partitions(client, list.pointer)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation: operation) }
            // One that librdkafka refuses, it does not know: it is not paused.
            paused.subtract(known)
            try list.pointer.throwFirst(operation)
        }
    }

    /// The partitions' assignment begins or is over. In librdkafka a pause outlives it: without this, a partition that
    /// comes back would stay silent.
    func end(of partitions: some Collection<TopicPartition>, in client: OpaquePointer) {
        // What is refused has no pause that could outlive anything.
        try? resume(partitions, in: client, operation: "resume partitions")
    }
}
