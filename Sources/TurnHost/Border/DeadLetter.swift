package import Kafka

/// A request that will not be carried out, and why: what goes to the dead letters topic in its place.
package struct DeadLetter: Sendable, Hashable {
    package enum Cause: String, Sendable, Hashable, CaseIterable {
        case undecodable
        case crashLoop = "crash-loop"
        case outOfMemory = "out-of-memory"
        case retriesExhausted = "retries-exhausted"
        case rejected
    }

    package var record: KafkaRecord
    package var consumerGroup: String
    package var cause: Cause
    /// The error's stable code.
    package var code: String
    /// One sentence.
    package var message: String
    package var attempts: Int?
    package var turn: Int?
    package var checkpointRevision: Int64?

    package init(
        record: KafkaRecord, consumerGroup: String, cause: Cause, code: String, message: String, attempts: Int? = nil,
        turn: Int? = nil, checkpointRevision: Int64? = nil
    ) {
        self.record = record
        self.consumerGroup = consumerGroup
        self.cause = cause
        self.code = code
        self.message = message
        self.attempts = attempts
        self.turn = turn
        self.checkpointRevision = checkpointRevision
    }

    /// The record to write to `topic`: key, value and headers as they came, then the headers that say why. A header
    /// of an earlier dead letter (a record that was redriven and failed again) stays; readers take the last.
    package func producerRecord(topic: String) -> ProducerRecord {
        var headers = record.headers
        func add(_ name: String, _ value: String?) {
            if let value { headers.append(KafkaHeader(name: name, value: Array(value.utf8))) }
        }
        add("kafka_dlt-original-topic", record.topic)
        add("kafka_dlt-original-partition", String(record.partition))
        add("kafka_dlt-original-offset", String(record.offset))
        add("kafka_dlt-original-timestamp", String(record.timestamp))
        add("kafka_dlt-original-consumer-group", consumerGroup)
        add("kafka_dlt-exception-fqcn", code)
        add("kafka_dlt-exception-message", message)
        add("cause", cause.rawValue)
        add("attempts", attempts.map { String($0) })
        add("turn", turn.map { String($0) })
        add("checkpoint-revision", checkpointRevision.map { String($0) })
        return ProducerRecord(topic: topic, partition: nil, key: record.key, value: record.value, headers: headers)
    }
}
