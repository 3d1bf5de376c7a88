package import Kafka

/// A partition's records, one batch after the other. To be asked by one task at a time.
package protocol RecordSource: AnyObject {
    /// The records that follow, in offset order; `nil` once the partition has been read to its end.
    func next() async throws -> [KafkaRecord]?
}
