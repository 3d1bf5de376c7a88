internal import CRdkafka
package import Logging

/// Asks a cluster about its topics and groups, and changes its topics.
///
/// Every call waits at most `timeout` and then throws a `KafkaError` that `isTimeout`; none blocks the caller's thread.
package final class KafkaAdmin: Sendable {
    let handle: ClientHandle
    let calls = BlockingCalls(label: "kafka-admin")

    /// Brokers are reached in the background.
    /// - Throws: librdkafka's objection to a property.
    package init(_ properties: KafkaProperties, logger: Logger) throws(KafkaError) {
        // As a consumer, since asking for a topic's metadata as a producer may create the topic.
        handle = try ClientHandle(
            kind: RD_KAFKA_CONSUMER, properties: properties.merging(["allow.auto.create.topics": "false"]),
            context: ClientContext(logger: logger), operation: "start an admin client")
    }

    deinit {
        calls.start { [handle] in handle.destroy() }
    }

    /// Lets the client go, after the calls under way. Later calls throw. May be called again.
    package func close() async {
        await withCheckedContinuation { continuation in
            calls.start { [handle] in
                handle.destroy()
                continuation.resume()
            }
        }
    }

    /// The cluster's id; nil if its brokers have none.
    package func clusterID(timeout: Duration = .seconds(10)) async throws(KafkaError) -> String? {
        let operation = "ask for the cluster's id"
        return try await calls.run { [handle] () throws(KafkaError) in
            try handle.withClient(operation) { client throws(KafkaError) in
                // The id comes with metadata; asking for these first tells "no id" from "no answer".
                _ = try ClientHandle.topics(client, timeout: timeout, operation: operation)
                guard let text = rd_kafka_clusterid(client, 1_000) else { return nil }
                defer { rd_kafka_mem_free(client, text) }
                return String(cString: text)
            }
        }
    }

    /// The number of partitions of each of these topics, or of all. Topics that do not exist are absent, and asking
    /// does not create them.
    package func topics(
        _ names: [String]? = nil, timeout: Duration = .seconds(10)
    ) async throws(KafkaError) -> [String: Int] {
        let operation = "list topics"
        let all = try await calls.run { [handle] () throws(KafkaError) in
            try handle.withClient(operation) { client throws(KafkaError) in
                try ClientHandle.topics(client, timeout: timeout, operation: operation)
            }
        }
        guard let names else { return all }
        let wanted = Set(names)
        return all.filter { wanted.contains($0.key) }
    }

    /// The watermarks as the broker tells them.
    package func watermarks(
        _ partition: TopicPartition, timeout: Duration = .seconds(10)
    ) async throws(KafkaError) -> Watermarks {
        try await handle.queryWatermarks(of: partition, timeout: timeout, on: calls)
    }

    /// - Throws: `isTopicAlreadyThere` if it exists.
    package func createTopic(
        name: String, partitions: Int, replication: Int = 1, configuration: [String: String] = [:],
        timeout: Duration = .seconds(10)
    ) async throws(KafkaError) {
        let request = AdminRequest(
            kind: RD_KAFKA_ADMIN_OP_CREATETOPICS, operation: "create topic \(name)", timeout: timeout)
        try await calls.run { [handle] () throws(KafkaError) in
            var reason = [CChar](repeating: 0, count: 512)
            guard
                let topic = rd_kafka_NewTopic_new(
                    name, Int32(clamping: partitions), Int32(clamping: replication), &reason, reason.count)
            else { throw request.invalid(String(nulTerminated: reason)) }
            defer { rd_kafka_NewTopic_destroy(topic) }
            for (key, value) in configuration { rd_kafka_NewTopic_set_config(topic, key, value) }
            try request.send(to: handle) { client, options, queue in
                var topics: [OpaquePointer?] = [topic]
                rd_kafka_CreateTopics(client, &topics, 1, options, queue)
            } reading: { event throws(KafkaError) in
                var count = 0
                guard let result = rd_kafka_event_CreateTopics_result(event) else { throw request.unexpected }
                try request.checkTopics(rd_kafka_CreateTopics_result_topics(result, &count), count)
            }
        }
    }

    /// - Throws: `isUnknownTopicOrPartition` if it does not exist.
    package func deleteTopic(_ name: String, timeout: Duration = .seconds(10)) async throws(KafkaError) {
        let request = AdminRequest(
            kind: RD_KAFKA_ADMIN_OP_DELETETOPICS, operation: "delete topic \(name)", timeout: timeout)
        try await calls.run { [handle] () throws(KafkaError) in
            guard let topic = rd_kafka_DeleteTopic_new(name) else { throw request.invalid("invalid topic name") }
            defer { rd_kafka_DeleteTopic_destroy(topic) }
            try request.send(to: handle) { client, options, queue in
                var topics: [OpaquePointer?] = [topic]
                rd_kafka_DeleteTopics(client, &topics, 1, options, queue)
            } reading: { event throws(KafkaError) in
                var count = 0
                guard let result = rd_kafka_event_DeleteTopics_result(event) else { throw request.unexpected }
                try request.checkTopics(rd_kafka_DeleteTopics_result_topics(result, &count), count)
            }
        }
    }

    /// Adds partitions until the topic has `total` of them. Keys move to other partitions by it.
    package func createPartitions(
        topic name: String, total: Int, timeout: Duration = .seconds(10)
    ) async throws(KafkaError) {
        let request = AdminRequest(
            kind: RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, operation: "add partitions to topic \(name)", timeout: timeout)
        try await calls.run { [handle] () throws(KafkaError) in
            var reason = [CChar](repeating: 0, count: 512)
            guard let partitions = rd_kafka_NewPartitions_new(name, max(0, total), &reason, reason.count) else {
                throw request.invalid(String(nulTerminated: reason))
            }
            defer { rd_kafka_NewPartitions_destroy(partitions) }
            try request.send(to: handle) { client, options, queue in
                var list: [OpaquePointer?] = [partitions]
                rd_kafka_CreatePartitions(client, &list, 1, options, queue)
            } reading: { event throws(KafkaError) in
                var count = 0
                guard let result = rd_kafka_event_CreatePartitions_result(event) else { throw request.unexpected }
                try request.checkTopics(rd_kafka_CreatePartitions_result_topics(result, &count), count)
            }
        }
    }
}
