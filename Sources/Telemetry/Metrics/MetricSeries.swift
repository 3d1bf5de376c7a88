import Synchronization
import Tracing

/// One series of a metric. From any thread; each write is one short lock.
final class MetricSeries: Sendable {
    enum Value: Sendable, Hashable {
        case counter(Double)
        case gauge(Double)
        case histogram(Distribution)
    }

    /// A value with the conversation that it is of (OpenMetrics, *Exemplars*).
    struct Exemplar: Sendable {
        var conversationID: String
        var value: Double
        /// Milliseconds since 1970.
        var at: Int64
    }

    private struct State {
        var value: Value
        /// What was handed over already, to be kept elsewhere.
        var handedOver: Value?
        /// Of a histogram, the newest of each bucket; of a counter, the newest, as 0.
        var exemplars: [Int: Exemplar] = [:]
    }

    let id: SeriesID
    private let state: Mutex<State>
    private let now: @Sendable () -> Int64

    init(_ id: SeriesID, _ value: Value, now: @escaping @Sendable () -> Int64) {
        self.id = id
        self.now = now
        state = Mutex(State(value: value))
    }

    var value: Value { state.withLock { $0.value } }
    var exemplars: [Int: Exemplar] { state.withLock { $0.exemplars } }

    func add(_ amount: Double) {
        // What only goes up can't be taken back.
        guard amount > 0, amount.isFinite else { return }
        let exemplar = exemplar(amount)
        state.withLock { state in
            guard case .counter(let sum) = state.value else { return }
            state.value = .counter(sum + amount)
            if let exemplar { state.exemplars[0] = exemplar }
        }
    }

    func set(_ value: Double) {
        state.withLock { state in
            if case .gauge = state.value { state.value = .gauge(value) }
        }
    }

    func change(by amount: Double) {
        state.withLock { state in
            if case .gauge(let value) = state.value { state.value = .gauge(value + amount) }
        }
    }

    func observe(_ value: Double) {
        let exemplar = exemplar(value)
        state.withLock { state in
            switch state.value {
            case .histogram(var distribution):
                // Alone in its hands, so that its counts are not copied.
                state.value = .counter(0)
                distribution.record(value)
                if let exemplar { state.exemplars[distribution.bucket(of: value)] = exemplar }
                state.value = .histogram(distribution)
            case .gauge: state.value = .gauge(value)
            case .counter: break
            }
        }
    }

    /// The value with the conversation that the caller works for, if he works for one.
    private func exemplar(_ value: Double) -> Exemplar? {
        ServiceContext.current?.conversationID.map { Exemplar(conversationID: $0, value: value, at: now()) }
    }

    /// What came since the last time, for another process to keep; `nil` if nothing did. A gauge is nobody else's.
    func takeNews() -> Value? {
        state.withLock { state in
            defer { state.handedOver = state.value }
            switch (state.value, state.handedOver) {
            case (.counter(let sum), .counter(let earlier)): return sum > earlier ? .counter(sum - earlier) : nil
            case (.counter(let sum), _): return sum > 0 ? .counter(sum) : nil
            case (.histogram(let all), .histogram(let earlier)):
                let news = all.subtracting(earlier)
                return news.count > 0 ? .histogram(news) : nil
            case (.histogram(let all), _): return all.count > 0 ? .histogram(all) : nil
            case (.gauge, _): return nil
            }
        }
    }

    /// Takes over what another process has counted. What is of another kind is left out.
    func merge(_ news: Value, exemplars: [Int: Exemplar] = [:]) {
        state.withLock { state in
            switch (state.value, news) {
            case (.counter(let sum), .counter(let more)):
                state.value = .counter(sum + more)
                state.exemplars.merge(exemplars.filter { $0.key == 0 }) { $0.at > $1.at ? $0 : $1 }
            case (.histogram(var distribution), .histogram(let more)):
                distribution.add(more)
                state.value = .histogram(distribution)
                let known = exemplars.filter { distribution.counts.indices.contains($0.key) }
                state.exemplars.merge(known) { $0.at > $1.at ? $0 : $1 }
            default: break
            }
        }
    }
}
