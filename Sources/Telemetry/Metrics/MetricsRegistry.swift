package import CoreMetrics
import Synchronization
import Tracing

/// Keeps what is counted in this process, and what is handed over from others: the back end of swift-metrics.
///
/// From any thread. A series that is written to for the first time costs a look-up under a lock, and a write another
/// short one. What an agent's own code counts with swift-metrics is kept here too.
package final class MetricsRegistry: MetricsFactory, Sendable {
    private struct State {
        var series: [SeriesID: MetricSeries] = [:]
    }

    // A lock that is free costs less than a reading of `AtomicLazyReference`, which asks the runtime for its type each time.
    private static let shared = Mutex<MetricsRegistry?>(nil)
    /// The process's, if its back end of swift-metrics is one of these.
    static var ofProcess: MetricsRegistry? { shared.withLock { $0 } }

    /// Labels that take ever new values must not take ever more memory.
    private let maximumSeries: Int
    /// Whether each series is one conversation's. Their number has no bound then but the one above.
    private let labelsConversation: Bool
    private let now: @Sendable () -> Int64
    private let dropped: MetricSeries
    private let state: Mutex<State>
    /// The service's own, by the numbers of their definitions.
    private let known: [KnownSeries] = MetricCatalog.all.map { _ in KnownSeries() }

    /// - Parameters:
    ///   - maximumSeries: more than these are not kept, but counted.
    ///   - labelsConversation: makes `gen_ai.conversation.id` a label of everything that is counted in a turn.
    ///   - now: milliseconds since 1970.
    package init(
        maximumSeries: Int = 10_000, labelsConversation: Bool = false, now: @escaping @Sendable () -> Int64
    ) {
        self.maximumSeries = maximumSeries
        self.labelsConversation = labelsConversation
        self.now = now
        dropped = MetricSeries(SeriesID(MetricCatalog.droppedSeries.name), .counter(0), now: now)
        state = Mutex(State(series: [dropped.id: dropped]))
    }

    /// Makes it the process's back end of swift-metrics, which takes one only, and where the service itself counts.
    package func bootstrap() {
        MetricsSystem.bootstrap(self)
        Self.shared.withLock { $0 = self }
    }

    /// The series of this name and these labels. What is one kind of metric does not become another: the first to be
    /// asked for stays.
    func series(_ id: SeriesID, _ initial: @autoclosure () -> MetricSeries.Value) -> MetricSeries {
        let (series, isKept) = state.withLock { state in
            if let known = state.series[id] { return (known, true) }
            let made = MetricSeries(id, initial(), now: now)
            // That of the dropped ones is beside them.
            guard state.series.count <= maximumSeries else { return (made, false) }
            state.series[id] = made
            return (made, true)
        }
        // Somebody may write to it; nobody reads it.
        if !isKept { dropped.add(1) }
        return series
    }

    /// A series of one of the service's own metrics.
    func series(_ metric: MetricDefinition, _ values: LabelValues) -> MetricSeries {
        // Of a conversation there is no knowing it by its labels' values alone; and tests make metrics of their own.
        let known = labelsConversation || metric.number >= known.count ? nil : known[metric.number]
        if let series = known?[values] { return series }
        let id = id(metric.name, Array(zip(metric.labels, values.all)))
        let series = series(id, metric.kind == .counter ? .counter(0) : Self.distribution(metric.name))
        if let known, isKept(series) { known[values] = series }
        return series
    }

    /// Counts up one of the service's own metrics.
    package func add(_ amount: Double = 1, to metric: MetricDefinition, _ values: LabelValues = LabelValues()) {
        series(metric, values).add(amount)
    }

    /// Adds a value to one of the service's own distributions.
    package func record(_ value: Double, of metric: MetricDefinition, _ values: LabelValues = LabelValues()) {
        series(metric, values).observe(value)
    }

    /// Whether there was room for the series.
    private func isKept(_ series: MetricSeries) -> Bool { state.withLock { $0.series[series.id] === series } }

    /// All series, in the order of their names and labels.
    var all: [MetricSeries] { state.withLock { Array($0.series.values) }.sorted { $0.id < $1.id } }

    /// What an exporter writes: all series and what there is at the moment, by their names, in order.
    func families(with samples: [MetricSample]) -> [(name: String, series: [MetricSeries])] {
        let gauges = samples.map { MetricSeries($0.id, .gauge($0.value), now: now) }
        return Dictionary(grouping: all + gauges, by: \.id.name).sorted { $0.key < $1.key }
            .map { ($0.key, $0.value.sorted { $0.id < $1.id }) }
    }

    // MARK: swift-metrics

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        CounterSeries(series(id(label, dimensions), .counter(0)))
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        CounterSeries(series(id(label, dimensions), .counter(0)))
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        MeterSeries(series(id(label, dimensions), .gauge(0)))
    }

    package func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        ValueSeries(series(id(label, dimensions), aggregate ? Self.distribution(label) : .gauge(0)))
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        ValueSeries(series(id(label, dimensions), Self.distribution(label)))
    }

    // Handles come and go; what they have counted stays.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func id(_ name: String, _ dimensions: [(String, String)]) -> SeriesID {
        guard labelsConversation, let conversation = ServiceContext.current?.conversationID else {
            return SeriesID(name, dimensions)
        }
        return SeriesID(name, dimensions + [("gen_ai.conversation.id", conversation)])
    }

    private static func distribution(_ name: String) -> MetricSeries.Value {
        if case .histogram(let bounds)? = MetricCatalog.byName[name]?.kind {
            return .histogram(Distribution(bounds: bounds))
        }
        return .histogram(Distribution(bounds: MetricDefinition.durations))
    }
}
