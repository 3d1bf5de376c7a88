import Conversation
import Foundation
import FoundationNetworking
import HTTPTestServer
import Kafka
import SessionStore
import Synchronization
import TestSupport
import Testing

/// What a real worker and its hosts send and serve, as other people's readers understand it.
@Suite("What a worker tells of itself", .timeLimit(.minutes(10)))
struct WorkerTelemetryTests {
    private static let producer = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    /// A collector that keeps what it is sent.
    private final class Collected: Sendable {
        private let bodies = Mutex<[String: [String]]>([:])

        func take(_ request: ReceivedRequest) -> ServerReply {
            bodies.withLock { $0[request.uri, default: []].append(Data(request.bytes).base64EncodedString()) }
            return .json("{}")
        }

        func read(_ what: String) async throws -> JSON {
            let text = bodies.withLock { $0["/v1/\(what)"] ?? [] }.joined(separator: "\n")
            return try await WorkerTelemetryTests.read(what, text)
        }
    }

    private static func read(_ what: String, _ text: String) async throws -> JSON {
        let read = try await PythonEnvironment.run("Tests/TelemetryTests/read_telemetry.py", [what], input: text)
        return try JSON(parsing: Array(read.utf8))
    }

    private static func scrape(_ port: Int) async throws -> JSON {
        try await read("prometheus", try await text(port))
    }

    private static func text(_ port: Int, accept: String = "text/plain") async throws -> String {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(port)/metrics")))
        request.setValue(accept, forHTTPHeaderField: "Accept")
        let (data, _) = try await URLSession(configuration: .ephemeral).data(for: request)
        return String(decoding: data, as: UTF8.self)
    }

    private static func sum(
        _ metrics: JSON, _ family: String, _ sample: String? = nil, _ labels: [String: String] = [:]
    )
        -> Double
    {
        let samples = (metrics[family]?["samples"]?.arrayValue ?? []).filter { one in
            one["name"]?.stringValue == sample ?? "\(family)_total"
                && labels.allSatisfy { one["labels"]?[$0.key]?.stringValue == $0.value }
        }
        return samples.reduce(0) { $0 + ($1["value"]?.double ?? 0) }
    }

    @Test("Spans and metrics of two sessions' turns, one of them carried on after its host was killed")
    func whole() async throws {
        let collected = Collected()
        try await TestServer.serving({ collected.take($0) }) { collector in
            try await withCluster(.embedded, partitions: 1, "telemetry") { cluster in
                let port = Int(try LoopbackSocket.freePort())
                let worker = try await cluster.startWorker(
                    "worker",
                    [
                        "--admin-address", "127.0.0.1:\(port)", "--otlp-endpoint", collector.url, "--region", "eu",
                    ])
                // A turn that is over before any host dies, and counted by the worker.
                _ = try await cluster.send("hello", to: "carol")
                try await eventually(timeout: .seconds(60), every: .milliseconds(200)) {
                    // Its port is open a moment after its first host is up.
                    guard let metrics = try? await Self.scrape(port) else { return false }
                    return Self.sum(metrics, "carryon_turns") == 1
                }
                var sent: [String: SentRequest] = [:]
                for session in ["alice", "bob"] {
                    let request: JSON = ["type": "message", "text": .string(Counting.program(to: 200, every: "50ms"))]
                    sent[session] = try await cluster.produce(
                        key: Array(session.utf8), value: request.serialized(),
                        headers: [KafkaHeader("traceparent", Self.producer)], session: session)
                }
                for session in ["alice", "bob"] { try await cluster.waitForText(of: session) }
                // What a host has counted in its last second dies with it: no other turn may be over by then.
                let before = try await Self.text(port)
                // The spans of the runs that are over are with the collector by then.
                for host in worker.family.dropFirst() { kill(host, SIGKILL) }
                for (session, request) in sent {
                    try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                        try await cluster.store.loadSession(session)?.hasSettled(request) == true
                    }
                }
                // What hosts have counted comes within a second.
                var metrics = JSON.null
                try await eventually(timeout: .seconds(30), every: .milliseconds(200)) {
                    metrics = try await Self.scrape(port)
                    return Self.sum(metrics, "carryon_turns") == 3
                }
                try Self.check(metrics, try await Self.read("prometheus", before))
                try Self.check(exemplars: try await Self.text(port, accept: "application/openmetrics-text"))
                let dead = try await Self.spansOfFirstRuns(cluster)
                // A host sends its spans every second, and what it has not sent at its end is lost.
                try await eventually(timeout: .seconds(30), every: .milliseconds(200)) {
                    let spans = try await collected.read("traces").arrayValue ?? []
                    return spans.count { $0["name"]?.stringValue?.hasPrefix("process ") == true } == 3
                }
                worker.signal(SIGTERM)
                _ = try await worker.end(within: .seconds(60))
                try Self.check(spans: try await collected.read("traces").arrayValue ?? [], deadRuns: dead, cluster)
                let exported = try await collected.read("metrics")
                try require("turns by OTLP", exported["carryon.turns"]?["kind"], equals: "sum")
                let exemplars = exported["carryon.turns"]?["points"]?.arrayValue?.flatMap {
                    $0["exemplars"]?.arrayValue?.compactMap { $0["gen_ai.conversation.id"]?.stringValue } ?? []
                }
                try require("their exemplars", exemplars?.isEmpty, equals: false)
            }
        }
    }

    @Test(
        "A call's span is its caller's child and the turn's is linked to it; what was said is in there if it is wanted")
    func called() async throws {
        let collected = Collected()
        try await TestServer.serving({ collected.take($0) }) { collector in
            try await withCluster(.embedded, partitions: 1, "gateway telemetry") { cluster in
                let flags = ["--otlp-endpoint", collector.url]
                let worker = try await cluster.startWorker("worker", flags + ["--trace-message-texts"])
                let (gateway, process) = try await GatewayClient.start(cluster, name: "gateway", flags)
                let (status, _) = try await gateway.ask(
                    "POST", "/v1/sessions/a%20b/messages", ["text": "Is this kept?"],
                    headers: [("traceparent", Self.producer)])
                try require("the call's status", status, equals: 202)
                _ = try await gateway.ask("GET", "/nowhere")
                try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                    try await cluster.store.loadSession("a b")?.messages.count == 2
                }
                // A host sends its spans every second, and what it has not sent at its end is lost.
                try await eventually(timeout: .seconds(30), every: .milliseconds(200)) {
                    let spans = try await collected.read("traces").arrayValue ?? []
                    return spans.contains { $0["name"]?.stringValue?.hasPrefix("process ") == true }
                }
                for one in [worker, process] {
                    one.signal(SIGTERM)
                    _ = try await one.end(within: .seconds(60))
                }
                try Self.check(calls: try await collected.read("traces").arrayValue ?? [])
                let metrics = try await collected.read("metrics")
                for name in [
                    "carryon.store.commit.duration", "carryon.store.commit.writes", "carryon.delivery.duration",
                ] {
                    let count = metrics[name]?["points"]?.arrayValue?.first?["count"]?.int ?? 0
                    try require("values of \(name)", count > 0, equals: true)
                }
            }
        }
    }

    /// OpenMetrics' text itself, since its reader does not tell which value an exemplar stands at.
    private static func check(exemplars text: String) throws {
        for family in ["carryon_turns_total", "carryon_turn_duration_seconds_bucket", "carryon_tokens_total"] {
            let lines = text.split(separator: "\n").filter { $0.hasPrefix(family) }
            let isThere = lines.contains { $0.contains("# {gen_ai_conversation_id=\"") }
            try require("an exemplar of \(family) in \(lines)", isThere, equals: true)
        }
    }

    /// The spans of the runs that died, as their events tell of them: they themselves were never sent.
    private static func spansOfFirstRuns(_ cluster: Cluster) async throws -> [String: String] {
        var spans: [String: String] = [:]
        for record in try await cluster.records(on: cluster.eventsTopic, partitions: cluster.partitions) {
            guard let session = record.keyString, session != "carol", record.headerString("run") == "1",
                let parts = record.headerString("traceparent")?.split(separator: "-"), parts.count == 4
            else { continue }
            spans[session] = String(parts[2])
        }
        return spans
    }

    private static func check(calls spans: [JSON]) throws {
        func named(_ name: String) -> JSON? { spans.first { $0["name"]?.stringValue?.hasPrefix(name) == true } }
        let call = named("POST /v1/sessions/{id}/messages")
        try require("the call's kind", call?["kind"], equals: 2)
        try require("the call's caller", call?["parent"], equals: "b7ad6b7169203331")
        try require("the call's trace", call?["trace"], equals: "0af7651916cd43dd8448eb211c80319c")
        let attributes = call?["attributes"]
        try require("its route", attributes?["http.route"], equals: "/v1/sessions/{id}/messages")
        try require("its status", attributes?["http.response.status_code"], equals: 202)
        try require("its conversation", attributes?["gen_ai.conversation.id"], equals: "a b")
        try require("a call of nothing", named("GET")?["name"], equals: "GET")
        try require(
            "health is asked for", spans.contains { $0["name"]?.stringValue?.contains("readyz") == true }, equals: false
        )
        try require(
            "what the turn is linked to", named("process ")?["links"]?.arrayValue, equals: [call?["span"] ?? .null])
        let chat = named("chat ")?["attributes"]
        let asked = try JSON(parsing: Array((chat?["gen_ai.input.messages"]?.stringValue ?? "").utf8))
        let expected: JSON = [["role": "user", "parts": [["type": "text", "content": "Is this kept?"]]]]
        try require("what was asked", asked, equals: expected)
        let said = try JSON(parsing: Array((chat?["gen_ai.output.messages"]?.stringValue ?? "").utf8))
        try require("who answered", said.arrayValue?.first?["role"], equals: "assistant")
        try require("how", said.arrayValue?.first?["finish_reason"], equals: "stop")
    }

    private static func check(_ metrics: JSON, _ before: JSON) throws {
        let turns = sum(metrics, "carryon_turns", nil, ["outcome": "completed", "region": "eu"])
        try require("turns completed in the region", turns, equals: 3)
        try require("turns before", sum(before, "carryon_turns"), equals: 1)
        try require("recoveries", sum(metrics, "carryon_recoveries", nil, ["policy": "continue"]), equals: 2)
        try require("turns with a cause", sum(metrics, "carryon_turns", nil, ["cause": "crashed"]), equals: 2)
        let runs = sum(
            metrics, "carryon_turn_time_to_first_chunk_seconds", "carryon_turn_time_to_first_chunk_seconds_count")
        try require("answers made anew", sum(metrics, "carryon_tokens_spent_twice"), equals: 0)
        // Of the runs that were killed it is known only if it was handed over before.
        try require("first chunks", (3...5).contains(runs), equals: true)
        try require("deaths", sum(metrics, "carryon_host_deaths") >= 1, equals: true)
        try require("requests", sum(metrics, "carryon_requests"), equals: 3)
        try require("the worker is ready", sum(metrics, "carryon_ready", "carryon_ready"), equals: 1)
        for family in ["carryon_turns", "carryon_tokens", "carryon_requests", "carryon_host_starts"] {
            try require("\(family) went back", sum(metrics, family) >= sum(before, family), equals: true)
        }
    }

    private static func check(spans: [JSON], deadRuns: [String: String], _ cluster: Cluster) throws {
        func named(_ prefix: String) -> [JSON] { spans.filter { $0["name"]?.stringValue?.hasPrefix(prefix) == true } }
        let byID = Dictionary(spans.map { ($0["span"]?.stringValue ?? "", $0) }, uniquingKeysWith: { $1 })
        for prefix in ["process ", "invoke_agent ", "chat ", "recovery", "checkpoint"] {
            let found = Set(named(prefix).compactMap { $0["attributes"]?["gen_ai.conversation.id"]?.stringValue })
            let expected: Set = prefix == "recovery" ? ["alice", "bob"] : ["alice", "bob", "carol"]
            try require("the conversations of '\(prefix)' spans", found, equals: expected)
        }
        let unknown = Set(spans.flatMap { $0["unconventional"]?.arrayValue?.compactMap(\.stringValue) ?? [] })
        let stray = unknown.filter { !$0.hasPrefix("carryon.") }
        try require("attributes that no convention has", stray, equals: [])
        for span in spans {
            let own = span["attributes"]?["gen_ai.conversation.id"]?.stringValue
            guard let parent = byID[span["parent"]?.stringValue ?? ""] else { continue }
            let above = parent["attributes"]?["gen_ai.conversation.id"]?.stringValue
            try require("the conversation of the span around '\(span["name"] ?? .null)'", above, equals: own)
            try require("its trace", parent["trace"], equals: span["trace"] ?? .null)
        }
        for chat in named("chat ") {
            let agent = byID[chat["parent"]?.stringValue ?? ""]
            try require("what is around a chat", agent?["name"]?.stringValue?.hasPrefix("invoke_agent "), equals: true)
            let process = byID[agent?["parent"]?.stringValue ?? ""]
            try require("what is around the agent", process?["name"]?.stringValue?.hasPrefix("process "), equals: true)
            try require("its kind", process?["kind"], equals: 5)
            let attributes = process?["attributes"]
            let session = attributes?["gen_ai.conversation.id"]?.stringValue
            let links: JSON = session == "carol" ? [] : ["b7ad6b7169203331"]
            try require("its link to the producer", process?["links"], equals: links)
            try require("its system", attributes?["messaging.system"], equals: "kafka")
            try require("its topic", attributes?["messaging.destination.name"], equals: .string(cluster.requestsTopic))
            try require("its partition", attributes?["messaging.destination.partition.id"], equals: "0")
            try require("its offset", attributes?["messaging.kafka.offset"]?.int != nil, equals: true)
            try require("its group", attributes?["messaging.consumer.group.name"], equals: .string(cluster.name))
            try require("its operation", attributes?["messaging.operation.type"], equals: "process")
            try require("the agent's operation", agent?["attributes"]?["gen_ai.operation.name"], equals: "invoke_agent")
            try require("the chat's operation", chat["attributes"]?["gen_ai.operation.name"], equals: "chat")
            try require("the chat's provider", chat["attributes"]?["gen_ai.provider.name"], equals: "scripted")
            let tokens = chat["attributes"]?["gen_ai.usage.output_tokens"]?.int ?? 0
            try require("the chat's tokens", tokens > 0, equals: true)
        }
        let clients = Set(spans.filter { $0["kind"] == 3 }.compactMap { $0["name"]?.stringValue })
        try require("what clients have called, exports left out", clients, equals: ["chat scripted"])
        let texts = spans.filter { $0["attributes"]?["gen_ai.input.messages"] != nil }
        try require("spans with what was said, which nobody asked for", texts.count, equals: 0)
        for recovery in named("recovery") {
            let session = recovery["attributes"]?["gen_ai.conversation.id"]?.stringValue ?? ""
            try require(
                "links to the dead run's span", recovery["links"], equals: [.string(deadRuns[session] ?? "none")])
            try require("its trace is not its own", recovery["linked"] != [recovery["trace"] ?? .null], equals: true)
        }
    }
}
