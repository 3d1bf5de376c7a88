/// What a gauge is at this moment, of what is looked at only when somebody asks.
package struct MetricSample: Sendable, Hashable {
    let metric: MetricDefinition
    let labels: [(String, String)]
    let value: Double

    /// - Parameter labels: in the order of the metric's own.
    package init(_ metric: MetricDefinition, _ value: Double, _ labels: String...) {
        self.metric = metric
        self.labels = Array(zip(metric.labels, labels))
        self.value = value
    }

    var id: SeriesID { SeriesID(metric.name, labels) }

    package static func == (one: MetricSample, other: MetricSample) -> Bool {
        one.id == other.id && one.value == other.value
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(value)
    }
}
