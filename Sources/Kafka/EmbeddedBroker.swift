internal import CRdkafka
package import Logging
internal import Synchronization

/// A Kafka cluster inside this process: librdkafka's mock. Any process of the machine can connect to it over TCP.
///
/// For development and tests: it holds 5 MB or 100,000 batches of a partition (the oldest vanish), forgets everything
/// with the process, and knows no admin requests; a topic that is written to without having been created gets four
/// partitions.
package final class EmbeddedBroker: Sendable {
    /// Kinds of request, for `pushErrors`.
    package enum Request: Int16, Sendable {
        case produce = 0
        case fetch = 1
        case listOffsets = 2
        case metadata = 3
        case offsetCommit = 8
        case offsetFetch = 9
        case findCoordinator = 10
        case joinGroup = 11
        case heartbeat = 12
        case leaveGroup = 13
        case syncGroup = 14
        case initProducerID = 22
    }

    /// The mock's functions take its own lock; the pointer's life is guarded by the broker's.
    private struct Cluster: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    /// The bootstrap addresses, for `bootstrap.servers`.
    package let bootstrapServers: String

    private let handle: ClientHandle
    private let brokers: Int32
    private let cluster: Mutex<Cluster?>
    private let calls = BlockingCalls(label: "kafka-embedded-broker")

    /// Starts the cluster, listening on ports of loopback that the system chooses; brokers are numbered from 1.
    /// - Parameter topics: the number of partitions of each topic to create.
    package init(brokers: Int = 1, topics: [String: Int] = [:], logger: Logger) throws(KafkaError) {
        let operation = "start an embedded broker"
        let count = Int32(clamping: max(1, brokers))
        // The client the mock needs to live in talks to nobody, and would log that.
        let handle = try ClientHandle(
            kind: RD_KAFKA_PRODUCER, properties: ["log_level": "3", "client.id": "embedded-broker"],
            context: ClientContext(logger: logger), operation: operation)
        var address = ""
        let cluster = try handle.withClient(operation) { client throws(KafkaError) in
            guard let pointer = rd_kafka_mock_cluster_new(client, count) else {
                throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, operation: operation, reason: "the mock does not start")
            }
            address = rd_kafka_mock_cluster_bootstraps(pointer).map { String(cString: $0) } ?? ""
            return Cluster(pointer: pointer)
        }
        self.handle = handle
        self.brokers = count
        self.bootstrapServers = address
        self.cluster = Mutex(cluster)
        for (topic, partitions) in topics { try createTopic(topic, partitions: partitions) }
    }

    deinit {
        let cluster = cluster.withLock { $0 }
        calls.start { [handle] in Self.destroy(cluster, handle) }
    }

    /// Stops the cluster and closes its connections. May be called again; other calls throw afterwards.
    package func close() async {
        let last = cluster.withLock { cluster in
            defer { cluster = nil }
            return cluster
        }
        await withCheckedContinuation { continuation in
            calls.start { [handle] in
                Self.destroy(last, handle)
                continuation.resume()
            }
        }
    }

    package func createTopic(_ name: String, partitions: Int) throws(KafkaError) {
        let replication = brokers
        try perform("create topic \(name)") {
            rd_kafka_mock_topic_create($0, name, Int32(clamping: partitions), min(replication, 3))
        }
    }

    /// Fails the next requests of a kind, one with each code; 0 lets one pass.
    package func pushErrors(_ request: Request, codes: [Int32]) throws(KafkaError) {
        try pushErrors(apiKey: request.rawValue, codes: codes)
    }

    package func pushErrors(apiKey: Int16, codes: [Int32]) throws(KafkaError) {
        try perform("push errors") { cluster in
            let native = codes.map { rd_kafka_resp_err_t(rawValue: $0) }
            rd_kafka_mock_push_request_errors_array(cluster, apiKey, native.count, native)
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    package func clearErrors(apiKey: Int16) throws(KafkaError) {
        try perform("clear errors") { cluster in
            rd_kafka_mock_clear_request_errors(cluster, apiKey)
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    /// Delays every reply, of one broker or of all.
    package func setRoundTripTime(_ time: Duration, broker: Int32? = nil) throws(KafkaError) {
        try each(broker, "set the round-trip time") { rd_kafka_mock_broker_set_rtt($0, $1, time.milliseconds) }
    }

    /// Closes the connections of a broker, or of all, and accepts no more.
    package func setBrokerDown(_ broker: Int32? = nil) throws(KafkaError) {
        try each(broker, "take a broker down") { rd_kafka_mock_broker_set_down($0, $1) }
    }

    package func setBrokerUp(_ broker: Int32? = nil) throws(KafkaError) {
        try each(broker, "bring a broker up") { rd_kafka_mock_broker_set_up($0, $1) }
    }

    package func setCoordinator(group: String, broker: Int32) throws(KafkaError) {
        try perform("set a coordinator") { rd_kafka_mock_coordinator_set($0, "group", group, broker) }
    }

    package func setLeader(of partition: TopicPartition, broker: Int32) throws(KafkaError) {
        try perform("set a leader") {
            rd_kafka_mock_partition_set_leader($0, partition.topic, partition.partition, broker)
        }
    }

    private func each(
        _ broker: Int32?, _ operation: String, _ body: (OpaquePointer, Int32) -> rd_kafka_resp_err_t
    ) throws(KafkaError) {
        for id in broker.map({ $0...$0 }) ?? 1...brokers {
            try perform(operation) { body($0, id) }
        }
    }

    private func perform(
        _ operation: String, _ body: (OpaquePointer) -> rd_kafka_resp_err_t
    ) throws(KafkaError) {
        let code = cluster.withLock { $0.map { body($0.pointer) } }
        guard let code else { throw .closed(operation) }
        if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, operation: operation) }
    }

    private static func destroy(_ cluster: Cluster?, _ handle: ClientHandle) {
        if let cluster { rd_kafka_mock_cluster_destroy(cluster.pointer) }
        handle.destroy()
    }
}
