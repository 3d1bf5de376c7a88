import Synchronization

/// The series of one of the service's own metrics, by the values of its labels: what is looked up several times in each turn.
final class KnownSeries: Sendable {
    private struct State {
        // Most metrics have a handful, which are looked through faster than a hash is made.
        var few: [(values: LabelValues, series: MetricSeries)] = []
        var many: [LabelValues: MetricSeries] = [:]
    }

    private static let handful = 8
    private let state = Mutex(State())

    subscript(values: LabelValues) -> MetricSeries? {
        get {
            state.withLock { state in
                for known in state.few where known.values == values { return known.series }
                return state.many.isEmpty ? nil : state.many[values]
            }
        }
        set {
            guard let newValue else { return }
            state.withLock { state in
                if state.few.count < Self.handful, state.many[values] == nil {
                    state.few.append((values, newValue))
                } else {
                    state.many[values] = newValue
                }
            }
        }
    }
}
