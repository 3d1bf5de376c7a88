/// What a gauge is at this moment, of what is looked at only when somebody asks.
package struct MetricSample: Sendable {
    let id: SeriesID
    let value: Double

    /// - Parameter labels: in the order of the metric's own.
    package init(_ metric: MetricDefinition, _ value: Double, _ labels: String...) {
        id = SeriesID(metric.name, Array(zip(metric.labels, labels)))
        self.value = value
    }
}
