internal import CRdkafka

/// Where a record was written.
package struct RecordMetadata: Sendable, Hashable {
    package let partition: Int32
    /// Negative if the broker did not name it.
    package let offset: Int64

    init(_ message: UnsafePointer<rd_kafka_message_t>) {
        partition = message.pointee.partition
        offset = message.pointee.offset
    }
}
