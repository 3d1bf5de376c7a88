import CoreMetrics

// The process's back end of swift-metrics. Ours is asked in its own way, by the values of the labels alone; another one in
// the library's. Where there is none, as in tests, nothing is kept.
extension MetricDefinition {
    /// Counts up. The values are of the metric's labels, in their order.
    package func add(_ amount: Double = 1, _ first: String = "", _ second: String = "", _ third: String = "") {
        let values = LabelValues(first, second, third)
        if let registry = MetricsRegistry.ofProcess { return registry.add(amount, to: self, values) }
        guard let other = Self.otherBackEnd else { return }
        other.makeFloatingPointCounter(label: name, dimensions: dimensions(values)).increment(by: amount)
    }

    /// Adds a value to a distribution. The values are of the metric's labels, in their order.
    package func record(_ value: Double, _ first: String = "", _ second: String = "", _ third: String = "") {
        let values = LabelValues(first, second, third)
        if let registry = MetricsRegistry.ofProcess { return registry.record(value, of: self, values) }
        guard let other = Self.otherBackEnd else { return }
        other.makeRecorder(label: name, dimensions: dimensions(values), aggregate: true).record(value)
    }

    /// Adds the time since `begin` to a distribution of seconds.
    package func record(
        since begin: ContinuousClock.Instant, _ first: String = "", _ second: String = "", _ third: String = ""
    ) {
        let passed = (ContinuousClock.now - begin).components
        record(Double(passed.seconds) + Double(passed.attoseconds) * 1e-18, first, second, third)
    }

    /// A back end that a program has given the library for itself.
    private static var otherBackEnd: (any MetricsFactory)? {
        let factory = MetricsSystem.factory
        return factory is NOOPMetricsHandler ? nil : factory
    }

    private func dimensions(_ values: LabelValues) -> [(String, String)] { Array(zip(labels, values.all)) }
}
