package import Kafka

/// A request that will not be carried out, and why: what goes to the dead letters topic in its place.
package struct DeadLetter: Sendable, Hashable {
    package enum Cause: String, Sendable, Hashable, CaseIterable {
        case undecodable
        case crashLoop = "crash-loop"
        case outOfMemory = "out-of-memory"
        case retriesExhausted = "retries-exhausted"
        case rejected
        /// Its session is parked; nothing is wrong with the request itself.
        case parked
    }

    /// The headers' names, in the order in which they are written.
    package enum Header {
        package static let originalTopic = "kafka_dlt-original-topic"
        package static let originalPartition = "kafka_dlt-original-partition"
        package static let originalOffset = "kafka_dlt-original-offset"
        package static let originalTimestamp = "kafka_dlt-original-timestamp"
        package static let consumerGroup = "kafka_dlt-original-consumer-group"
        /// The error's code.
        package static let code = "kafka_dlt-exception-fqcn"
        package static let message = "kafka_dlt-exception-message"
        package static let cause = "cause"
        package static let attempts = "attempts"
        package static let turn = "turn"
        package static let checkpointRevision = "checkpoint-revision"

        package static let all = [
            originalTopic, originalPartition, originalOffset, originalTimestamp, consumerGroup, code, message, cause,
            attempts, turn, checkpointRevision,
        ]
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
        add(Header.originalTopic, record.topic)
        add(Header.originalPartition, String(record.partition))
        add(Header.originalOffset, String(record.offset))
        add(Header.originalTimestamp, String(record.timestamp))
        add(Header.consumerGroup, consumerGroup)
        add(Header.code, code)
        add(Header.message, message)
        add(Header.cause, cause.rawValue)
        add(Header.attempts, attempts.map { String($0) })
        add(Header.turn, turn.map { String($0) })
        add(Header.checkpointRevision, checkpointRevision.map { String($0) })
        return ProducerRecord(topic: topic, partition: nil, key: record.key, value: record.value, headers: headers)
    }
}
