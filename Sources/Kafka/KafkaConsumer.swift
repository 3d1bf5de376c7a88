internal import CRdkafka
package import Logging

/// Reads records, as a member of a group (`subscribe`) or on its own (`assign`), and tells a delegate.
///
/// Defaults: `auto.offset.reset=earliest`, `enable.partition.eof=true`,
/// `partition.assignment.strategy=cooperative-sticky`. Offsets are committed explicitly or not at all:
/// `enable.auto.commit` and `enable.auto.offset.store` are off whatever the properties say. `group.id` is required.
package final class KafkaConsumer: Sendable {
    private static let defaults: KafkaProperties = [
        "auto.offset.reset": "earliest", "enable.partition.eof": "true",
        "partition.assignment.strategy": "cooperative-sticky",
    ]
    private static let forced: KafkaProperties = ["enable.auto.commit": "false", "enable.auto.offset.store": "false"]

    let loop: ConsumerLoop
    let blockingCalls = BlockingCalls(label: "kafka-consumer-calls")

    /// Starts the poll thread. The consumer keeps the delegate until it is closed.
    /// - Parameter batchRecords: The most records that the delegate is given at once, and so the most that still come
    ///   after it paused everything.
    /// - Throws: librdkafka's objection to a property.
    package init(
        _ properties: KafkaProperties, delegate: any KafkaConsumerDelegate, batchRecords: Int = 1_000, logger: Logger
    ) throws(KafkaError) {
        let operation = "start a consumer"
        guard properties["group.id"]?.isEmpty == false else {
            throw KafkaError(
                RD_KAFKA_RESP_ERR__INVALID_ARG, operation: operation, reason: "property group.id: it is required")
        }
        let events = ConsumerEvents(delegate: delegate)
        let handle = try ClientHandle(
            kind: RD_KAFKA_CONSUMER, properties: Self.defaults.merging(properties).merging(Self.forced),
            context: ClientContext(logger: logger, callbacks: events), operation: operation)
        // One queue for everything: errors and statistics come through the consumer's poll.
        try handle.withClient(operation) { client throws(KafkaError) in
            let code = rd_kafka_poll_set_consumer(client)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, operation: operation) }
        }
        let loop = ConsumerLoop(handle: handle, events: events, batchRecords: batchRecords)
        self.loop = loop
        try DedicatedThread.start(name: "kafka-consumer", operation: operation) { loop.run() }
    }

    deinit {
        loop.beginClosing()
    }

    /// Joins the group for these topics. A topic that does not exist yet is reported to the delegate and taken up when
    /// it appears. Replaces an earlier subscription.
    package func subscribe(_ topics: [String]) throws(KafkaError) {
        let operation = "subscribe"
        let list = PartitionList(topics.map { TopicPartition(topic: $0, partition: -1) })
        try loop.handle.withClient(operation) { client throws(KafkaError) in
            if case .notJoined = loop.events.membership { loop.events.membership = .joining }
            try check(rd_kafka_subscribe(client, list.pointer), operation)
        }
    }

    /// Leaves the group's rebalancing; the delegate's partitions are revoked.
    package func unsubscribe() throws(KafkaError) {
        let operation = "unsubscribe"
        try loop.handle.withClient(operation) { client throws(KafkaError) in
            try check(rd_kafka_unsubscribe(client), operation)
            loop.events.membership = .notJoined
        }
    }

    /// Reads exactly these partitions from the given offsets, without a group's rebalancing (and so without the
    /// delegate's `assigned` and `revoked`). Replaces an earlier assignment; an empty one stops reading.
    package func assign(_ partitions: [TopicPartition: StartOffset]) throws(KafkaError) {
        let operation = "assign partitions"
        try loop.handle.withClient(operation) { client throws(KafkaError) in
            if partitions.isEmpty { return try check(rd_kafka_assign(client, nil), operation) }
            let list = PartitionList(partitions.mapValues(\.number))
            try check(rd_kafka_assign(client, list.pointer), operation)
        }
    }

    /// Leaves the group (the delegate's `revoked` runs), ends the poll thread and lets the client go. May be called
    /// again; every call returns when the consumer is closed. The delegate is told nothing afterwards.
    package func close() async {
        await loop.close()
    }

    /// The partitions this consumer reads now.
    package var assignment: [TopicPartition] {
        let partitions = try? loop.handle.withClient("list the assignment") { client throws(KafkaError) in
            var list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
            guard rd_kafka_assignment(client, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else {
                return [TopicPartition]()
            }
            return PartitionList(adopting: list).pointer.topicPartitions
        }
        return partitions ?? []
    }

    /// The id that the group's coordinator gave this member; nil before the first join.
    package var memberID: String? {
        let text = try? loop.handle.withClient("name the member") { client throws(KafkaError) -> String? in
            guard let text = rd_kafka_memberid(client) else { return nil }
            defer { rd_kafka_mem_free(client, text) }
            return String(cString: text)
        }
        guard let text = text ?? nil, !text.isEmpty else { return nil }
        return text
    }

    package var groupMembership: GroupMembership { loop.events.membership }

    /// The newest statistics as JSON, if `statistics.interval.ms` is set.
    package var statistics: String? { loop.handle.context.statistics }

    /// The error after which this consumer can only be replaced.
    package var fatal: KafkaError? { loop.handle.context.fatal }

    /// When the poll thread last went to poll: a time long past means that a delegate's method does not return.
    package var lastPoll: ContinuousClock.Instant { loop.lastPoll }

    func check(_ code: rd_kafka_resp_err_t, _ operation: String) throws(KafkaError) {
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        try loop.handle.withClient(operation) { client throws(KafkaError) in
            throw loop.handle.context.error(client, code, operation: operation)
        }
    }
}
