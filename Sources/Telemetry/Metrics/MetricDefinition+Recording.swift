import CoreMetrics

// The process's back end of swift-metrics. Ours is asked in its own way, by the values of the labels alone; another one in
// the library's. Where there is none, as in tests, nothing is kept.
extension MetricDefinition {
    /// Counts up.
    /// - Parameter values: of the metric's labels, in their order.
    package func add(_ amount: Double = 1, _ values: String...) {
        let factory = MetricsSystem.factory
        if let registry = factory as? MetricsRegistry {
            registry.series(self, values).add(amount)
        } else {
            factory.makeFloatingPointCounter(label: name, dimensions: dimensions(values)).increment(by: amount)
        }
    }

    /// Adds a value to a distribution.
    /// - Parameter values: of the metric's labels, in their order.
    package func record(_ value: Double, _ values: String...) {
        record(value, values)
    }

    /// Adds the time since `begin` to a distribution of seconds.
    package func record(since begin: ContinuousClock.Instant, _ values: String...) {
        let passed = ContinuousClock.now - begin
        let seconds = Double(passed.components.seconds) + Double(passed.components.attoseconds) * 1e-18
        record(seconds, values)
    }

    private func record(_ value: Double, _ values: [String]) {
        let factory = MetricsSystem.factory
        if let registry = factory as? MetricsRegistry {
            registry.series(self, values).observe(value)
        } else {
            factory.makeRecorder(label: name, dimensions: dimensions(values), aggregate: true).record(value)
        }
    }

    private func dimensions(_ values: [String]) -> [(String, String)] { Array(zip(labels, values)) }
}
