import Synchronization
import Telemetry
import Tracing

/// Which hooks had nothing to do when they were called last, as most have most of the time: these get no span to happen in,
/// which would cost more than they do.
final class QuickHooks: Sendable {
    /// Whatever takes less leaves no span behind.
    private static let least = Duration.milliseconds(10)

    private let names = Mutex<Set<String>>([])
    private let begin: @Sendable (_ name: String, _ ago: Duration) -> any Span

    /// - Parameter begin: makes the span of what has been going on for so long.
    init(begin: @escaping @Sendable (String, Duration) -> any Span = { beginSpan($0, ago: $1) }) {
        self.begin = begin
    }

    /// Calls a hook in a span of its name. One that was quick the last time gets its span afterwards, if it was not quick
    /// this time: then what it did has the span around it as its parent.
    func span<Output>(_ name: String, _ body: () async throws -> Output) async throws -> Output {
        guard !names.withLock({ $0.contains(name) }) else { return try await afterwards(name, body) }
        let span = begin(name, .zero)
        guard span.isRecording else { return try await body() }
        let began = ContinuousClock.now
        do {
            let output = try await ServiceContext.withValue(span.context) { try await body() }
            if ContinuousClock.now - began >= Self.least {
                span.end()
            } else {
                names.withLock { _ = $0.insert(name) }
            }
            return output
        } catch {
            span.fail(error)
            span.end()
            throw error
        }
    }

    private func afterwards<Output>(_ name: String, _ body: () async throws -> Output) async throws -> Output {
        let began = ContinuousClock.now
        do {
            let output = try await body()
            let took = ContinuousClock.now - began
            if took >= Self.least { make(name, took)?.end() }
            return output
        } catch {
            let span = make(name, ContinuousClock.now - began)
            span?.fail(error)
            span?.end()
            throw error
        }
    }

    /// The span of a call that is over; from now on, the hook has one to happen in.
    private func make(_ name: String, _ took: Duration) -> (any Span)? {
        names.withLock { _ = $0.remove(name) }
        let span = begin(name, took)
        return span.isRecording ? span : nil
    }
}
