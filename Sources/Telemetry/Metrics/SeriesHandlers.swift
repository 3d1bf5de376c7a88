import CoreMetrics

/// What swift-metrics calls for a counter.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler {
    private let series: MetricSeries

    init(_ series: MetricSeries) { self.series = series }

    func increment(by amount: Int64) { series.add(Double(amount)) }
    func increment(by amount: Double) { series.add(amount) }
    /// Does nothing: a counter that goes back would look like another process's.
    func reset() {}
}

/// What swift-metrics calls for what is at the moment.
final class MeterSeries: MeterHandler {
    private let series: MetricSeries

    init(_ series: MetricSeries) { self.series = series }

    func set(_ value: Int64) { series.set(Double(value)) }
    func set(_ value: Double) { series.set(value) }
    func increment(by amount: Double) { series.change(by: amount) }
    func decrement(by amount: Double) { series.change(by: -amount) }
}

/// What swift-metrics calls for values that are gathered, or of which the last one counts.
final class ValueSeries: RecorderHandler, TimerHandler {
    private let series: MetricSeries

    init(_ series: MetricSeries) { self.series = series }

    func record(_ value: Int64) { series.observe(Double(value)) }
    func record(_ value: Double) { series.observe(value) }
    func recordNanoseconds(_ duration: Int64) { series.observe(Double(duration) / 1e9) }
}
