package import Kafka

/// The events topic, as a turn host needs it: written in order, acknowledged, and read again after a death.
package protocol EventLog: Sendable {
    /// Appends a record. Records of one partition keep the order of the calls. Never blocks.
    /// - Parameter onAck: called once, with the record's offset when the broker has acknowledged it. A failure is
    ///   final.
    func append(_ record: ProducerRecord, onAck: @escaping @Sendable (Result<Int64, any Error>) -> Void)

    /// Whether so much is on its way that writers should wait.
    var isCongested: Bool { get }

    /// How long records have been on their way without any being acknowledged; `nil` if none is.
    var stalledFor: Duration? { get }

    /// Records that are on their way.
    var outstandingCount: Int { get }

    /// Suspends while the log is congested.
    func waitForCapacity() async

    /// An offset of `partition` at or before which nothing is that will be appended from now on, and as near to that as
    /// is known.
    func endOffset(of partition: Int32) async throws -> Int64

    /// Reads `partition` from `offset` (or the first there is) to its end as it is reached.
    func read(_ partition: Int32, from offset: Int64, _ body: @escaping @Sendable ([KafkaRecord]) -> Void) async throws
}

extension EventLog {
    /// A log in memory acknowledges at once.
    package var stalledFor: Duration? { nil }
    package var outstandingCount: Int { 0 }
}
