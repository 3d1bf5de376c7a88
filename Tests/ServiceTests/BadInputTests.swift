import Conversation
import Kafka
import SessionStore
import TestSupport
import Testing

/// A record that is no request.
struct BadRecord: Sendable, CustomTestStringConvertible {
    let name: String
    var key: [UInt8]? = Array("bad".utf8)
    let value: [UInt8]?
    let code: String

    var testDescription: String { name }

    init(_ name: String, key: [UInt8]? = Array("bad".utf8), _ value: [UInt8]?, _ code: String) {
        self.name = name
        self.key = key
        self.value = value
        self.code = code
    }

    init(_ name: String, key: [UInt8]? = Array("bad".utf8), _ value: String, _ code: String) {
        self.init(name, key: key, Array(value.utf8), code)
    }

    private static let good = #"{"type":"message","text":"hello"}"#
    private static let longKey = String(repeating: "k", count: 2_049)
    /// 2,049 code units of UTF-16 in 1,025 characters.
    private static let surrogates = String(repeating: "😀", count: 1_024) + "k"

    static let all = [
        BadRecord("tombstone", nil as [UInt8]?, "tombstone"),
        BadRecord("empty value", [], "invalid_json"),
        BadRecord(
            "invalid UTF-8", Array(#"{"type":"message","text":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8),
            "invalid_utf8"),
        BadRecord("not JSON", "hello", "invalid_json"),
        BadRecord("cut JSON", #"{"type":"message","text":"#, "invalid_json"),
        BadRecord("an array", "[1,2,3]", "not_an_object"),
        BadRecord("type is a number", #"{"type":1,"text":"hello"}"#, "invalid_member"),
        BadRecord("text is an object", #"{"type":"message","text":{}}"#, "invalid_member"),
        BadRecord("message is a string", #"{"type":"message","message":"hello"}"#, "invalid_member"),
        BadRecord("no type", #"{"text":"hello"}"#, "missing_type"),
        BadRecord("unknown type", #"{"type":"dance","text":"hello"}"#, "unknown_type"),
        BadRecord("missing message", #"{"type":"message"}"#, "missing_message"),
        BadRecord(
            "both message and text",
            #"{"type":"message","text":"a","message":{"id":"m","role":"user","parts":[{"type":"text","text":"a"}]}}"#,
            "message_and_text"),
        BadRecord("malformed deadline", #"{"type":"message","text":"a","deadline":"soon"}"#, "invalid_deadline"),
        BadRecord(
            "idempotency key of 2,049 units", #"{"type":"message","text":"a","idempotencyKey":"\#(longKey)"}"#,
            "idempotency_key_too_long"),
        BadRecord(
            "idempotency key of 2,049 units in surrogates",
            #"{"type":"message","text":"a","idempotencyKey":"\#(surrogates)"}"#, "idempotency_key_too_long"),
        BadRecord("no key", key: nil, good, "missing_key"),
        BadRecord("empty key", key: [], good, "invalid_session_id"),
        BadRecord("key of 257 bytes", key: Array(repeating: UInt8(ascii: "s"), count: 257), good, "invalid_session_id"),
        BadRecord("key of invalid UTF-8", key: [0xFF, 0xFE], good, "invalid_session_id"),
        BadRecord("control character in the key", key: Array("a\u{7}b".utf8), good, "invalid_session_id"),
        BadRecord(
            "5 MB", #"{"type":"message","text":"\#(String(repeating: "x", count: 5 << 20))"}"#, "record_too_large"),
    ]
}

@Suite("Bad input")
struct BadInputTests {
    @Test(
        "Each undecodable record goes to the dead letters as it came, the partition goes on, and the offset follows",
        .timeLimit(.minutes(10)), arguments: [BrokerKind.tansu, .embedded].filter(\.isAvailable))
    func badInput(_ broker: BrokerKind) async throws {
        try await withCluster(broker, partitions: 1, "bad input") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            let worker = try await cluster.startWorker("worker")
            let headers = [KafkaHeader("trace", "t"), KafkaHeader(name: "nothing", value: nil)]
            // The embedded broker loses what lies around a record of 5 MB, which is all it holds of a partition.
            let records = BadRecord.all.filter { broker == .tansu || $0.value?.count ?? 0 < 1 << 20 }
            var sent: [SentRequest] = []
            for (index, bad) in records.enumerated() {
                sent.append(
                    try await cluster.produce(key: bad.key, value: bad.value, headers: headers, partition: 0))
                sent.append(try await cluster.send("good \(index)", to: "good"))
            }
            await watch.add(sent)
            try await watch.waitForAll(sent, timeout: .seconds(60))
            try await watch.finish()
            try require("the worker's end", worker.ending, equals: nil)
            let letters = try await cluster.deadLetters()
            for (index, bad) in records.enumerated() {
                try check(bad, headers, letters, sent[index * 2], group: cluster.name)
            }
            try require("dead letters", letters.count, equals: records.count)
            try await checkGood(cluster, records.count)
        }
    }

    private func check(
        _ bad: BadRecord, _ headers: [KafkaHeader], _ letters: [KafkaRecord], _ request: SentRequest, group: String
    ) throws {
        let mine = letters.filter { $0.headerString("kafka_dlt-original-offset") == "\(request.offset)" }
        try require("dead letters of the record '\(bad.name)'", mine.count, equals: 1)
        let letter = mine[0]
        try require("'\(bad.name)': cause", letter.headerString("cause"), equals: "undecodable")
        try require("'\(bad.name)': code", letter.headerString("kafka_dlt-exception-fqcn"), equals: bad.code)
        try require("'\(bad.name)': key", letter.key, equals: bad.key)
        guard letter.value == bad.value else {
            throw Discrepancy(
                "'\(bad.name)': value", expected: "\(bad.value?.count ?? -1) bytes as they came",
                came: "\(letter.value?.count ?? -1) other bytes")
        }
        try require("'\(bad.name)': headers", Array(letter.headers.prefix(headers.count)), equals: headers)
        try require(
            "'\(bad.name)': topic", letter.headerString("kafka_dlt-original-topic"), equals: request.partition.topic)
        try require("'\(bad.name)': partition", letter.headerString("kafka_dlt-original-partition"), equals: "0")
        try require(
            "'\(bad.name)': group", letter.headerString("kafka_dlt-original-consumer-group"), equals: group)
        guard letter.headerString("kafka_dlt-exception-message")?.isEmpty == false,
            letter.headerString("kafka_dlt-original-timestamp").flatMap(Int64.init) ?? -1 > 0
        else {
            throw Discrepancy(
                "'\(bad.name)'", expected: "the error's sentence and the record's time",
                came: letter.headers.map { "\($0.name)" })
        }
    }

    /// A good request behind each bad one was answered, in order.
    private func checkGood(_ cluster: Cluster, _ count: Int) async throws {
        let stored = try await cluster.store.loadSession("good")
        let messages = try (stored?.messages ?? []).map { try Message(parsing: $0.body) }
        try require(
            "the good session's questions", messages.filter { $0.role == .user }.map(\.text),
            equals: (0..<count).map { "good \($0)" })
        try require("its answers", messages.filter { $0.role == .assistant }.count, equals: count)
        try await cluster.events(of: "good").checkGapless()
    }
}
