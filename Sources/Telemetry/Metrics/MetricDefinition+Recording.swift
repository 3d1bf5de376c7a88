import CoreMetrics

// The process's back end of swift-metrics is asked each time: handles would have to be kept by their labels. Where there
// is none, as in tests, nothing is kept.
extension MetricDefinition {
    /// Counts up.
    /// - Parameter values: of the metric's labels, in their order.
    package func add(_ amount: Double = 1, _ values: String...) {
        MetricsSystem.factory.makeFloatingPointCounter(label: name, dimensions: dimensions(values))
            .increment(by: amount)
    }

    /// Adds a value to a distribution.
    /// - Parameter values: of the metric's labels, in their order.
    package func record(_ value: Double, _ values: String...) {
        MetricsSystem.factory.makeRecorder(label: name, dimensions: dimensions(values), aggregate: true).record(value)
    }

    /// Adds the time since `begin` to a distribution of seconds.
    package func record(since begin: ContinuousClock.Instant, _ values: String...) {
        let passed = ContinuousClock.now - begin
        let seconds = Double(passed.components.seconds) + Double(passed.components.attoseconds) * 1e-18
        MetricsSystem.factory.makeRecorder(label: name, dimensions: dimensions(values), aggregate: true)
            .record(seconds)
    }

    private func dimensions(_ values: [String]) -> [(String, String)] { Array(zip(labels, values)) }
}
