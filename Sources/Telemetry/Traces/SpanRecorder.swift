package import Tracing

/// The back end of swift-distributed-tracing: makes spans, and hands those that are over to an exporter.
///
/// Every span is stamped with the conversation that it is of, from the task that begins it.
package struct SpanRecorder: Tracer {
    /// Of traces that begin here, the share that is wanted; those that come with a parent are wanted as it is.
    private let sampledShare: Double
    private let onEnd: @Sendable (FinishedSpan) -> Void

    /// - Parameter onEnd: called for each sampled span when it ends, on whatever thread; must not block.
    package init(sampledShare: Double = 1, onEnd: @escaping @Sendable (FinishedSpan) -> Void) {
        self.sampledShare = sampledShare
        self.onEnd = onEnd
    }

    package func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> RecordedSpan {
        var context = context()
        let parent = context.trace
        let trace = TraceContext(
            traceID: parent?.traceID ?? Self.identifier(16), spanID: Self.identifier(8),
            isSampled: parent?.isSampled ?? (Double.random(in: 0..<1) < sampledShare), traceState: parent?.traceState)
        context.trace = trace
        var attributes: SpanAttributes = [:]
        if let conversation = context.conversationID { attributes["gen_ai.conversation.id"] = conversation }
        return RecordedSpan(
            operationName, kind: kind, context: context, trace: trace, parent: parent?.spanID,
            begin: instant().nanosecondsSinceEpoch, attributes: attributes, onEnd: onEnd)
    }

    package func forceFlush() {}

    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let text = extractor.extract(key: "traceparent", from: carrier) else { return }
        context.trace = TraceContext(
            traceparent: text, traceState: extractor.extract(key: "tracestate", from: carrier))
    }

    package func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let trace = context.trace else { return }
        injector.inject(trace.traceparent, forKey: "traceparent", into: &carrier)
        if let state = trace.traceState { injector.inject(state, forKey: "tracestate", into: &carrier) }
    }

    /// Random bytes, not all of them 0. Eight at a time: each number is a call of the system.
    private static func identifier(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            withUnsafeBytes(of: UInt64.random(in: 1 ... .max)) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }
}
