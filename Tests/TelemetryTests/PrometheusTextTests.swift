import Conversation
import CoreMetrics
import TestSupport
import Testing
import Tracing

@testable import Telemetry

/// What is written is read by the Prometheus client's own parsers.
@Suite("Prometheus's text")
struct PrometheusTextTests {
    private static func example() -> MetricsRegistry {
        let registry = MetricsRegistry(now: { 1_700_000_000_123 })
        registry.makeCounter(
            label: MetricCatalog.turns.name, dimensions: [("outcome", "completed"), ("region", "a\"b\\c\nd é")]
        ).increment(by: 3)
        var context = ServiceContext.topLevel
        // The parser of prometheus_client does not take an escaped quote here, though the text format has it.
        context.conversationID = "al ice/é"
        ServiceContext.withValue(context) {
            registry.makeRecorder(
                label: MetricCatalog.turnDuration.name, dimensions: [("outcome", "x")], aggregate: true
            )
            .record(0.3)
            registry.makeCounter(label: MetricCatalog.tokens.name, dimensions: []).increment(by: 7)
        }
        registry.makeTimer(label: "my.agent-time", dimensions: [("9lives", "yes")]).recordNanoseconds(2_000_000_000)
        registry.makeMeter(label: "temperature", dimensions: []).set(-1.25)
        return registry
    }

    private static func read(_ format: PrometheusText.Format, _ what: String) async throws -> JSON {
        let sample = MetricSample(MetricCatalog.partitionLag, 7, "chat.requests", "3")
        let text = PrometheusText.render(Self.example(), [sample], as: format)
        let read = try await PythonEnvironment.run("Tests/TelemetryTests/read_telemetry.py", [what], input: text)
        return try JSON(parsing: Array(read.utf8))
    }

    private static func samples(_ json: JSON, _ family: String) -> [JSON] {
        json[family]?["samples"]?.arrayValue ?? []
    }

    @Test(
        "Counters, gauges and distributions come through, with every letter of their labels", arguments: [true, false])
    func parsed(_ isPlain: Bool) async throws {
        let json = try await Self.read(isPlain ? .plain : .openMetrics, isPlain ? "prometheus" : "openmetrics")
        let turns = try #require(Self.samples(json, "carryon_turns").first)
        #expect(turns["name"] == "carryon_turns_total")
        #expect(turns["value"]?.double == 3)
        #expect(turns["labels"] == ["outcome": "completed", "region": "a\"b\\c\nd é"])
        #expect(json["carryon_turns"]?["help"]?.stringValue == MetricCatalog.turns.help + ".")
        let lag = try #require(Self.samples(json, "carryon_partition_lag").first)
        #expect(lag["value"]?.double == 7)
        #expect(lag["labels"] == ["topic": "chat.requests", "partition": "3"])
        let duration = Self.samples(json, "carryon_turn_duration_seconds")
        let buckets = duration.filter { $0["name"] == "carryon_turn_duration_seconds_bucket" }
        #expect(buckets.count == MetricDefinition.turns.count + 1)
        for bucket in buckets {
            let bound = bucket["labels"]?["le"]?.stringValue ?? ""
            let isAbove = bound == "+Inf" || (Double(bound) ?? 0) >= 0.3
            #expect(bucket["value"]?.double == (isAbove ? 1 : 0), "\(bound)")
        }
        #expect(duration.last?["value"]?.double == 1)
        #expect(Self.samples(json, "my_agent_time").last?["labels"] == ["_9lives": "yes"])
        #expect(Self.samples(json, "temperature").first?["value"]?.double == -1.25)
    }

    @Test("OpenMetrics has the conversation of a value, and the plain text does not")
    func exemplars() async throws {
        let json = try await Self.read(.openMetrics, "openmetrics")
        let exemplars = Self.samples(json, "carryon_turn_duration_seconds").compactMap { $0["exemplar"]?.objectValue }
        #expect(exemplars == [["gen_ai_conversation_id": "al ice/é"]])
        let tokens = Self.samples(json, "carryon_tokens").compactMap { $0["exemplar"]?.objectValue }
        #expect(tokens == [["gen_ai_conversation_id": "al ice/é"]])
        #expect(!PrometheusText.render(Self.example(), as: .plain).contains("al ice"))
    }

    @Test("The form is the one that is asked for")
    func negotiation() {
        #expect(PrometheusText.Format(accept: nil) == .plain)
        #expect(PrometheusText.Format(accept: "text/plain") == .plain)
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
        #expect(PrometheusText.Format(accept: prometheus) == .openMetrics)
    }
}
