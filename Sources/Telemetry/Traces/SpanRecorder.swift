package import Tracing

/// The back end of swift-distributed-tracing: makes spans, and hands those that are over to an exporter.
///
/// Every span is stamped with the conversation that it is of, from the task that begins it.
package struct SpanRecorder: Tracer {
    /// Of traces that begin here, those are wanted whose number is below; those that come with a parent are wanted as it is.
    private let wantedBelow: UInt64?
    private let recordsTexts: Bool
    private let onEnd: @Sendable (FinishedSpan) -> Void

    /// - Parameters:
    ///   - sampledShare: of traces that begin here, the share that is wanted.
    ///   - recordsTexts: whether spans may hold what users and models say.
    ///   - onEnd: called for each sampled span when it ends, on whatever thread; must not block.
    package init(
        sampledShare: Double = 1, recordsTexts: Bool = false, onEnd: @escaping @Sendable (FinishedSpan) -> Void
    ) {
        wantedBelow = sampledShare >= 1 ? nil : UInt64(max(sampledShare, 0) * 0x1p64)
        self.recordsTexts = recordsTexts
        self.onEnd = onEnd
    }

    package func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> RecordedSpan {
        var context = context()
        let whereabouts = context.whereabouts
        let parent = whereabouts?.trace
        if let parent, !parent.isSampled {
            // Nobody will see it: it needs no name of its own to be told apart by.
            return RecordedSpan(operationName, unseenIn: context, trace: parent)
        }
        let isSampled = parent != nil || wantedBelow.map { TraceIdentifiers.next() < $0 } ?? true
        let trace = TraceContext(
            traceID: parent?.traceID ?? TraceIdentifiers.nextTrace(), spanID: TraceIdentifiers.next(),
            isSampled: isSampled, traceState: parent?.traceState)
        context.whereabouts = ServiceContext.Whereabouts(place: whereabouts?.place, trace: trace)
        guard isSampled else { return RecordedSpan(operationName, unseenIn: context, trace: trace) }
        return RecordedSpan(
            operationName, kind: kind, context: context, trace: trace, parent: parent?.spanID,
            conversationID: whereabouts?.place?.conversationID, begin: instant().nanosecondsSinceEpoch,
            recordsTexts: recordsTexts, onEnd: onEnd)
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
}
