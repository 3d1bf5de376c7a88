import Synchronization
package import Tracing

// The process's back end of swift-distributed-tracing. Ours is asked directly, which spares each span two look-ups under the
// library's lock; another one through the library.

/// Begins a span, which is to be ended.
/// - Parameters:
///   - context: what it is begun in; by default, the task's.
///   - ago: for how long what it is of has been going on.
package func beginSpan(
    _ name: @autoclosure () -> String, in context: @autoclosure () -> ServiceContext = .current ?? .topLevel,
    ofKind kind: SpanKind = .internal, ago: Duration = .zero
) -> any Span {
    var begin: DefaultTracerClock.Timestamp {
        let now = DefaultTracerClock.now.nanosecondsSinceEpoch
        return DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: now - UInt64(max(ago / .nanoseconds(1), 0)))
    }
    guard let recorder = SpanRecorder.ofProcess else {
        return startSpan(name(), context: context(), ofKind: kind, at: begin)
    }
    return recorder.startSpan(name(), context: context(), ofKind: kind, at: begin)
}

/// Does `body` in a span of its own, which ends with it, and knows of its error.
package func inSpan<Output>(
    _ name: @autoclosure () -> String, _ body: (any Span) async throws -> Output
) async throws -> Output {
    let span = beginSpan(name())
    defer { span.end() }
    do {
        return try await ServiceContext.withValue(span.context) { try await body(span) }
    } catch {
        span.recordError(error)
        throw error
    }
}

extension SpanRecorder {
    private static let shared = Mutex<SpanRecorder?>(nil)
    /// The process's, if its back end of swift-distributed-tracing is one of these.
    fileprivate static var ofProcess: SpanRecorder? { shared.withLock { $0 } }

    /// Makes it the process's back end of swift-distributed-tracing, which takes one only.
    package func bootstrap() {
        InstrumentationSystem.bootstrap(self)
        Self.shared.withLock { $0 = self }
    }
}
