import CoreMetrics
import TestSupport
import Testing
import Tracing

@testable import Telemetry

@Suite("The registry of metrics")
struct MetricsRegistryTests {
    private static func registry(maximumSeries: Int = 100, labelsConversation: Bool = false) -> MetricsRegistry {
        MetricsRegistry(maximumSeries: maximumSeries, labelsConversation: labelsConversation, now: { 1_000 })
    }

    @Test("Handles of the same name and labels write to one series, in whatever order the labels come")
    func shared() {
        let registry = Self.registry()
        registry.makeCounter(label: "c", dimensions: [("a", "1"), ("b", "2")]).increment(by: 2)
        registry.makeCounter(label: "c", dimensions: [("b", "2"), ("a", "1")]).increment(by: 3)
        registry.makeCounter(label: "c", dimensions: [("a", "1"), ("b", "")]).increment(by: 7)
        let series = registry.all.filter { $0.id.name == "c" }
        #expect(series.map(\.value) == [.counter(7), .counter(5)])
    }

    @Test("A counter takes nothing back")
    func monotone() {
        let registry = Self.registry()
        let counter = registry.makeFloatingPointCounter(label: "c", dimensions: [])
        for amount in [1.5, -4, .nan, .infinity, 0] { counter.increment(by: amount) }
        counter.reset()
        #expect(registry.all.first { $0.id.name == "c" }?.value == .counter(1.5))
    }

    @Test("More series than there is room for are counted and not kept")
    func bound() {
        let registry = Self.registry(maximumSeries: 3)
        for index in 0..<10 { registry.makeCounter(label: "c", dimensions: [("n", "\(index)")]).increment(by: 1) }
        #expect(registry.all.count { $0.id.name == "c" } == 3)
        #expect(registry.all.first { $0.id.name == MetricCatalog.droppedSeries.name }?.value == .counter(7))
    }

    @Test("How often there was no room is handed over once, and is one series in the worker")
    func boundOfHosts() {
        let host = Self.registry(maximumSeries: 1)
        let worker = Self.registry()
        func drop(_ count: Int) {
            for index in 0..<count { host.makeCounter(label: "c", dimensions: [("n", "\(index)")]).increment(by: 1) }
        }
        drop(4)
        for _ in 0..<3 { worker.merge(host.takeNews() ?? []) }
        let dropped = worker.all.filter { $0.id.name == MetricCatalog.droppedSeries.name }
        #expect(dropped.map(\.value) == [.counter(3)])
        drop(2)
        worker.merge(host.takeNews() ?? [])
        #expect(dropped.map(\.value) == [.counter(4)])
    }

    @Test("The service's own metrics are found by their labels' values, and kept no longer than there is room")
    func own() {
        let registry = Self.registry(maximumSeries: 2)
        for _ in 0..<3 {
            registry.series(MetricCatalog.toolCalls, LabelValues("a", "ok")).add(1)
            registry.series(MetricCatalog.toolCalls, LabelValues("a", "failed")).add(1)
            registry.series(MetricCatalog.toolCalls, LabelValues("b", "ok")).add(1)
        }
        let calls = registry.all.filter { $0.id.name == MetricCatalog.toolCalls.name }
        #expect(calls.map(\.value) == [.counter(3), .counter(3)])
        #expect(Set(calls.map { $0.id.labels.map(\.value) }) == [["ok", "a"], ["failed", "a"]])
        #expect(registry.all.first { $0.id.name == MetricCatalog.droppedSeries.name }?.value == .counter(3))
    }

    @Test(
        "What hosts have handed over is the worker's, never goes back, and is all but what died with them",
        arguments: 0..<20)
    func hosts(_ index: UInt64) {
        let seed = testSeed() &+ index
        var random = SeededGenerator(seed: seed)
        let worker = Self.registry()
        var hosts = (0..<3).map { _ in (registry: Self.registry(), notHandedOver: 0.0) }
        var expected = 0.0
        var observations: UInt64 = 0
        var last = 0.0
        for _ in 0..<300 {
            let host = Int.random(in: 0..<3, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                // Killed: what it had not handed over is gone.
                hosts[host] = (Self.registry(), 0)
            case 1...3:
                guard let news = hosts[host].registry.takeNews() else { continue }
                worker.merge(news)
                expected += hosts[host].notHandedOver
                observations += UInt64(hosts[host].notHandedOver)
                hosts[host].notHandedOver = 0
            default:
                let amount = Double(Int.random(in: 1...5, using: &random))
                hosts[host].registry.makeFloatingPointCounter(label: "c", dimensions: [("l", "x")])
                    .increment(by: amount)
                for _ in 0..<Int(amount) {
                    hosts[host].registry.makeRecorder(label: "h", dimensions: [], aggregate: true).record(0.2)
                }
                hosts[host].notHandedOver += amount
            }
            guard case .counter(let sum)? = worker.all.first(where: { $0.id.name == "c" })?.value else { continue }
            #expect(sum == expected, "seed \(seed)")
            #expect(sum >= last, "seed \(seed)")
            last = sum
            guard case .histogram(let distribution)? = worker.all.first(where: { $0.id.name == "h" })?.value else {
                Issue.record("the distribution was not handed over, seed \(seed)")
                continue
            }
            #expect(distribution.count == observations, "seed \(seed)")
        }
    }

    @Test(
        "News that can't be read add nothing",
        arguments: ["", "{}", "[1]", #"[{"name":"c"}]"#, #"[{"name":"h","sum":1,"bounds":[1],"counts":[1]}]"#])
    func nonsense(_ text: String) {
        let registry = Self.registry()
        registry.merge(Array(text.utf8))
        #expect(registry.all.map(\.id.name) == [MetricCatalog.droppedSeries.name])
    }

    @Test("Two sessions' turns at once are told apart, as exemplars and, where that is wanted, as labels")
    func conversations() async {
        let plain = Self.registry()
        let labelled = Self.registry(labelsConversation: true)
        await withTaskGroup(of: Void.self) { group in
            for (session, value) in [("alice", 0.2), ("bob", 3.0)] {
                group.addTask {
                    var context = ServiceContext.topLevel
                    context.conversationID = session
                    await ServiceContext.withValue(context) {
                        for _ in 0..<50 {
                            await Task.yield()
                            for registry in [plain, labelled] {
                                registry.makeRecorder(label: "h", dimensions: [], aggregate: true).record(value)
                                registry.makeCounter(label: "c", dimensions: []).increment(by: 1)
                            }
                        }
                    }
                }
            }
        }
        let series = plain.all.first { $0.id.name == "h" }
        #expect(
            Set(series?.exemplars.values.map { "\($0.conversationID) \($0.value)" } ?? []) == ["alice 0.2", "bob 3.0"])
        let labels = labelled.all.filter { $0.id.name == "h" }.map { $0.id.labels.map(\.value) }
        #expect(labels == [["alice"], ["bob"]])
        let counted = plain.all.first { $0.id.name == "c" }
        #expect(counted?.exemplars.values.map(\.value) == [1], "the newest")
        // To another process they go along.
        let worker = Self.registry()
        worker.merge(plain.takeNews() ?? [])
        #expect(worker.all.first { $0.id.name == "h" }?.exemplars.count == 2)
        #expect(
            worker.all.first { $0.id.name == "c" }?.exemplars[0]?.conversationID
                == counted?.exemplars[0]?.conversationID)
    }

    @Test("Every metric of the service has a name of its own, and says what it is")
    func catalog() {
        #expect(Set(MetricCatalog.all.map(\.prometheusName)).count == MetricCatalog.all.count)
        for metric in MetricCatalog.all {
            #expect(metric.name.hasPrefix("carryon."))
            #expect(!metric.help.hasSuffix("."), "\(metric.name)")
            if case .histogram(let bounds) = metric.kind { #expect(bounds == bounds.sorted(), "\(metric.name)") }
        }
    }
}
