internal import CRdkafka

/// A caller's interest in what becomes of one record; librdkafka carries it as the record's opaque pointer.
final class Delivery: Sendable {
    let report: @Sendable (Result<RecordMetadata, KafkaError>) -> Void

    init(_ report: @escaping @Sendable (Result<RecordMetadata, KafkaError>) -> Void) {
        self.report = report
    }
}

/// Passes delivery reports on, and counts them so that the loop settles its books once per poll, not once per record.
///
/// Unchecked: its counters are touched by the poll thread alone, on which librdkafka calls back.
final class DeliveryReports: ClientCallbacks, @unchecked Sendable {
    private var records = 0
    private var bytes = 0

    func delivered(_ message: UnsafePointer<rd_kafka_message_t>, _ error: KafkaError?) {
        records += 1
        bytes += message.pointee.len + message.pointee.key_len
        guard let opaque = message.pointee._private else { return }
        let delivery = Unmanaged<Delivery>.fromOpaque(opaque).takeRetainedValue()
        delivery.report(error.map { .failure($0) } ?? .success(RecordMetadata(message)))
    }

    /// What was reported since the last call.
    func take() -> (records: Int, bytes: Int) {
        defer { (records, bytes) = (0, 0) }
        return (records, bytes)
    }
}
