package import Kafka

/// What all events of one run have in common, encoded once.
package struct EventIdentity: Sendable {
    package let topic: String
    package let partition: Int32
    package let session: String
    package let turn: Int?
    package let run: Int?
    package let requestID: String
    package let requestOffset: Int64
    private let key: [UInt8]
    private let headers: [KafkaHeader]

    package init(
        topic: String, partition: Int32, session: String, turn: Int?, run: Int?, requestID: String,
        requestOffset: Int64, traceparent: String?
    ) {
        self.topic = topic
        self.partition = partition
        self.session = session
        self.turn = turn
        self.run = run
        self.requestID = requestID
        self.requestOffset = requestOffset
        key = Array(session.utf8)
        var headers: [KafkaHeader] = []
        func add(_ name: String, _ value: String?) {
            if let value { headers.append(KafkaHeader(name: name, value: Array(value.utf8))) }
        }
        add("turn", turn.map { "\($0)" })
        add("run", run.map { "\($0)" })
        add("request-id", requestID)
        add("request-offset", "\(requestOffset)")
        add("traceparent", traceparent)
        self.headers = headers
    }

    /// The record of the event `seq`.
    package func record(seq: Int64, control: String? = nil, value: [UInt8]) -> ProducerRecord {
        var all: [KafkaHeader] = []
        all.reserveCapacity(headers.count + 2)
        all.append(KafkaHeader(name: "seq", value: Array("\(seq)".utf8)))
        all.append(contentsOf: headers)
        if let control { all.append(KafkaHeader(name: "control", value: Array(control.utf8))) }
        return ProducerRecord(topic: topic, partition: partition, key: key, value: value, headers: all)
    }
}
