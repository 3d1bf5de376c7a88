import Conversation
import Foundation
import CoreMetrics
import HTTPTestServer
import Logging
import Synchronization
import TestSupport
import Testing
import Tracing

@testable import Telemetry

@Suite("Traces")
struct TraceTests {
    private static let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    private static let quiet = Logger(label: "telemetry-tests", factory: { _ in SwiftLogNoOpLogHandler() })

    @Test(
        "A traceparent is taken as the recommendation says",
        arguments: [
            (example, true), ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes", true),
            ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
            ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01", false), ("", false), ("00", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false),
        ])
    func traceparent(_ text: String, _ isTaken: Bool) {
        let context = TraceContext(traceparent: text)
        #expect((context != nil) == isTaken)
        if let context, text.hasPrefix("00") { #expect(context.traceparent == text) }
    }

    private static func recorder(_ finished: Collected, share: Double = 1) -> SpanRecorder {
        SpanRecorder(sampledShare: share) { finished.add($0) }
    }

    private final class Collected: Sendable {
        private let all = Mutex<[FinishedSpan]>([])
        var spans: [FinishedSpan] { all.withLock { $0 } }
        func add(_ span: FinishedSpan) { all.withLock { $0.append(span) } }
    }

    @Test("Every span of two sessions' turns at once is stamped with its own conversation")
    func interleaved() async {
        let finished = Collected()
        let recorder = Self.recorder(finished)
        await withTaskGroup(of: Void.self) { group in
            for session in ["alice", "bob"] {
                group.addTask {
                    var context = ServiceContext.topLevel
                    context.conversationID = session
                    await ServiceContext.withValue(context) {
                        for _ in 0..<50 {
                            await recorder.withSpan("turn of \(session)") { _ in
                                await Task.yield()
                                await Task {
                                    await recorder.withSpan("inner of \(session)") { _ in await Task.yield() }
                                }
                                .value
                            }
                        }
                    }
                }
            }
        }
        #expect(finished.spans.count == 200)
        for span in finished.spans {
            #expect(span.conversationID == (span.name.hasSuffix("alice") ? "alice" : "bob"))
        }
        let turns = Dictionary(grouping: finished.spans, by: \.context.traceID)
        #expect(turns.count == 100)
        for pair in turns.values {
            let inner = pair.first { $0.name.hasPrefix("inner") }
            let outer = pair.first { $0.name.hasPrefix("turn") }
            #expect(inner?.parent == outer?.context.spanID)
            #expect(outer?.parent == nil)
        }
    }

    @Test("A trace that nobody wants to see costs no span, in all of its parts")
    func sampling() {
        let finished = Collected()
        Self.recorder(finished, share: 0).withSpan("root") { span in
            #expect(!span.isRecording)
            span.attributes["a"] = "b"
            #expect(span.attributes.isEmpty)
        }
        var context = ServiceContext.topLevel
        context.trace = TraceContext(traceparent: Self.example)
        Self.recorder(finished, share: 0).withSpan("of a sampled caller", context: context) { _ in }
        #expect(finished.spans.map(\.name) == ["of a sampled caller"])
        #expect(finished.spans.first?.parent == 0xb7ad_6b71_6920_3331)
    }

    @Test("After its end a span takes nothing more, and ends once")
    func ended() {
        let finished = Collected()
        let span = Self.recorder(finished).startSpan("once")
        span.end()
        span.end()
        span.operationName = "twice"
        span.attributes["late"] = true
        #expect(finished.spans.map(\.name) == ["once"])
        #expect(finished.spans.first?.attributes.isEmpty == true)
    }

    private struct Failure: Error {}

    @Test("What is exported is read by OpenTelemetry's own classes")
    func exported() async throws {
        let bodies = Mutex<[String]>([])
        let resource = OTLPEncoding.Resource([(name: "service.name", value: "carryon")])
        try await TestServer.serving({ request in
            bodies.withLock {
                $0.append(
                    "\(request.uri) \(request["authorization"] ?? "") \(Data(request.bytes).base64EncodedString())")
            }
            return .json("{}")
        }) { server in
            let spans = SpanBuffer()
            let recorder = SpanRecorder { spans.add($0) }
            let registry = MetricsRegistry(now: { 1_700_000_000_000 })
            try? recorder.withSpan("chat m", ofKind: .client) { span in
                span.attributes["text"] = "é\"\n"
                span.attributes["number"] = 7
                // Lengths of one, two and three bytes.
                span.attributes["long"] = String(repeating: "x", count: 200)
                span.attributes["longer"] = String(repeating: "y", count: 40_000)
                span.attributes["truth"] = true
                span.attributes["list"] = ["a", "b"]
                var other = ServiceContext.topLevel
                other.trace = TraceContext(traceparent: Self.example)
                span.addLink(SpanLink(context: other, attributes: ["why": "recovery"]))
                throw Failure()
            }
            registry.makeRecorder(
                label: MetricCatalog.turnDuration.name, dimensions: [("outcome", "x")], aggregate: true
            )
            .record(0.3)
            registry.makeCounter(label: MetricCatalog.turns.name, dimensions: []).increment(by: 2)
            var options = OTLPExporter.Options(
                endpoint: server.url + "/", headers: [("Authorization", "Bearer key")], resource: resource)
            options.spanInterval = .milliseconds(10)
            let exporter = OTLPExporter(
                options, spans: spans, registry: registry, counting: registry,
                samples: { [MetricSample(MetricCatalog.sessions, 4)] }, now: { 1_700_000_000_000 }, logger: Self.quiet)
            let exporting = Task { await exporter.run() }
            try await eventually(timeout: .seconds(20)) { bodies.withLock { !$0.isEmpty } }
            // What is left is sent at the end.
            exporting.cancel()
            await exporting.value
        }
        func sent(_ path: String) -> String {
            let start = "\(path) Bearer key "
            return bodies.withLock { $0 }.filter { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
                .joined(separator: "\n")
        }
        let traces = try await Self.read("traces", sent("/v1/traces")).arrayValue ?? []
        let span = try #require(traces.first)
        #expect(traces.count == 1)
        #expect(span["name"] == "chat m")
        #expect(span["kind"] == 3)
        #expect(span["status"] == 2)
        #expect(span["resource"] == ["service.name": "carryon"])
        #expect(span["links"] == ["b7ad6b7169203331"])
        #expect(span["events"] == ["exception"])
        #expect(span["attributes"]?["text"] == "é\"\n")
        #expect(span["attributes"]?["number"] == 7)
        #expect(span["attributes"]?["long"]?.stringValue?.count == 200)
        #expect(span["attributes"]?["longer"]?.stringValue?.count == 40_000)
        #expect(span["attributes"]?["truth"] == true)
        #expect(span["attributes"]?["list"] == ["a", "b"])
        #expect(span["attributes"]?["error.type"] == "Failure")
        let metrics = try await Self.read("metrics", sent("/v1/metrics"))
        #expect(metrics["carryon.turns"]?["kind"] == "sum")
        #expect(metrics["carryon.turns"]?["points"]?.arrayValue?.first?["value"]?.double == 2)
        #expect(metrics["carryon.turn.duration"]?["unit"] == "s")
        #expect(metrics["carryon.turn.duration"]?["points"]?.arrayValue?.first?["count"] == 1)
        #expect(metrics["carryon.sessions"]?["points"]?.arrayValue?.first?["value"]?.double == 4)
    }

    private static func read(_ what: String, _ text: String) async throws -> JSON {
        let read = try await PythonEnvironment.run("Tests/TelemetryTests/read_telemetry.py", [what], input: text)
        return try JSON(parsing: Array(read.utf8))
    }

    @Test(
        "A collector that is away, refuses, or says nothing costs what it does not take, which is counted",
        arguments: 0..<3)
    func unreachable(_ kind: Int) async throws {
        let reply: ServerReply = kind == 1 ? .json("{}", status: 503) : .silence
        try await TestServer.serving({ _ in reply }) { server in
            let closed = try LoopbackSocket.freePort()
            let registry = MetricsRegistry(now: { 1 })
            let spans = SpanBuffer(capacity: 10)
            let recorder = SpanRecorder { spans.add($0) }
            for _ in 0..<15 { recorder.withSpan("s") { _ in } }
            #expect(spans.count == 10)
            var options = OTLPExporter.Options(
                endpoint: kind == 0 ? "http://127.0.0.1:\(closed)" : server.url, resource: OTLPEncoding.Resource([]))
            options.spanInterval = .milliseconds(5)
            options.timeout = .seconds(1)
            let exporter = OTLPExporter(
                options, spans: spans, registry: nil, counting: registry, now: { 1 }, logger: Self.quiet)
            let exporting = Task { await exporter.run() }
            try await eventually(timeout: .seconds(20)) {
                let dropped = registry.all.first { $0.id.name == MetricCatalog.droppedSpans.name }?.value
                return dropped == .counter(15)
            }
            exporting.cancel()
            await exporting.value
        }
    }

    @Test("A full batch is sent at once, and what is no batch when its time has come", .timeLimit(.minutes(1)))
    func batches() async {
        let spans = SpanBuffer()
        let recorder = SpanRecorder { spans.add($0) }
        let waiting = Task { await spans.waitForBatch(atMost: .seconds(3600)) }
        for _ in 0..<SpanBuffer.batch { recorder.startSpan("s").end() }
        await waiting.value
        // There is one already.
        await spans.waitForBatch(atMost: .seconds(3600))
        #expect(spans.take(atMost: 10_000).spans.count == SpanBuffer.batch)
        recorder.startSpan("s").end()
        await spans.waitForBatch(atMost: .milliseconds(1))
        #expect(spans.count == 1)
        let cancelled = Task { await spans.waitForBatch(atMost: .seconds(3600)) }
        cancelled.cancel()
        await cancelled.value
    }

    @Test("Spans of many threads have ids of their own")
    func identifiers() async {
        let all = await withTaskGroup(of: [UInt64].self, returning: [UInt64].self) { group in
            for _ in 0..<4 { group.addTask { (0..<10_000).map { _ in TraceIdentifiers.next() } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(all).count == 40_000)
        #expect(!all.contains(0))
        // Every bit is about as often set as not.
        for bit in 0..<64 {
            let share = Double(all.count { $0 >> UInt64(bit) & 1 == 1 }) / Double(all.count)
            #expect((0.45...0.55).contains(share), "bit \(bit)")
        }
    }

    @Test("A collector that says nothing does not keep a process from ending", .timeLimit(.minutes(1)))
    func lastWords() async throws {
        try await TestServer.serving({ _ in .silence }) { server in
            let registry = MetricsRegistry(now: { 1 })
            let spans = SpanBuffer()
            let recorder = SpanRecorder { spans.add($0) }
            // More than fit into one request.
            for _ in 0..<1500 { recorder.withSpan("s") { _ in } }
            var options = OTLPExporter.Options(endpoint: server.url, resource: OTLPEncoding.Resource([]))
            options.spanInterval = .seconds(3600)
            options.timeout = .seconds(3600)
            options.lastWords = .milliseconds(200)
            let exporter = OTLPExporter(
                options, spans: spans, registry: registry, counting: registry, now: { 1 }, logger: Self.quiet)
            let exporting = Task { await exporter.run() }
            exporting.cancel()
            await exporting.value
            #expect(server.requests.map(\.uri).contains("/v1/metrics"))
        }
    }
}
