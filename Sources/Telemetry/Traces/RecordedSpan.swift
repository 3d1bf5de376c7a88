import Synchronization
package import Tracing

/// A span that is exported when it ends, if its trace is sampled. From any thread; what is done to it after its end has
/// no effect.
package final class RecordedSpan: Span, Sendable {
    private struct State {
        var name: String
        var details: [(name: String, value: SpanAttribute)] = []
        var attributes: SpanAttributes
        var events: [SpanEvent] = []
        var links: [(context: TraceContext, attributes: SpanAttributes)] = []
        var status: SpanStatus?
        var isOver = false
    }

    /// More than these are not kept: a loop must not take ever more memory.
    private static let maximumEvents = 128
    private static let maximumLinks = 128

    package let context: ServiceContext
    private let kind: SpanKind
    private let trace: TraceContext
    private let parent: UInt64?
    private let conversationID: String?
    private let begin: UInt64
    /// Whether it may hold what users and models say.
    package let recordsTexts: Bool
    private let onEnd: (@Sendable (FinishedSpan) -> Void)?
    private let state: Mutex<State>

    init(
        _ name: String, kind: SpanKind, context: ServiceContext, trace: TraceContext, parent: UInt64?,
        conversationID: String?, begin: UInt64, recordsTexts: Bool, onEnd: @escaping @Sendable (FinishedSpan) -> Void
    ) {
        self.kind = kind
        self.context = context
        self.trace = trace
        self.parent = parent
        self.conversationID = conversationID
        self.begin = begin
        self.recordsTexts = recordsTexts
        self.onEnd = onEnd
        state = Mutex(State(name: name, attributes: [:]))
    }

    /// A span of a trace that nobody wants to see.
    init(_ name: String, unseenIn context: ServiceContext, trace: TraceContext) {
        kind = .internal
        self.context = context
        self.trace = trace
        parent = nil
        conversationID = nil
        begin = 0
        recordsTexts = false
        onEnd = nil
        state = Mutex(State(name: name, attributes: [:]))
    }

    package var isRecording: Bool { trace.isSampled && state.withLock { !$0.isOver } }

    package var operationName: String {
        get { state.withLock { $0.name } }
        set { change { $0.name = newValue } }
    }

    package var attributes: SpanAttributes {
        get { state.withLock { $0.attributes } }
        set { change { $0.attributes = newValue } }
    }

    /// Attributes that nobody asks the span for again, each of a name of its own: a list costs a fraction of what a
    /// dictionary costs.
    func describe(_ details: [(name: String, value: SpanAttribute)]) {
        change { state in
            if state.details.isEmpty { state.details = details } else { state.details += details }
        }
    }

    package func setStatus(_ status: SpanStatus) { change { $0.status = status } }

    package func addEvent(_ event: SpanEvent) {
        change { if $0.events.count < Self.maximumEvents { $0.events.append(event) } }
    }

    package func addLink(_ link: SpanLink) {
        guard let linked = link.context.trace else { return }
        change { if $0.links.count < Self.maximumLinks { $0.links.append((linked, link.attributes)) } }
    }

    package func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        var attributes = attributes
        attributes["exception.type"] = "\(type(of: error))"
        // What it says may hold a message's text.
        addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
        change { $0.attributes["error.type"] = "\(type(of: error))" }
    }

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard let onEnd else { return }
        let end = instant().nanosecondsSinceEpoch
        let finished = state.withLock { state -> FinishedSpan? in
            guard !state.isOver else { return nil }
            state.isOver = true
            return FinishedSpan(
                name: state.name, kind: kind, context: trace, parent: parent, conversationID: conversationID,
                begin: begin,
                end: max(begin, end), details: state.details, attributes: state.attributes, events: state.events,
                links: state.links,
                status: state.status)
        }
        if let finished { onEnd(finished) }
    }

    private func change(_ body: (inout sending State) -> Void) {
        guard trace.isSampled else { return }
        state.withLock { if !$0.isOver { body(&$0) } }
    }
}

extension Span {
    /// Sets attributes for an exporter only. None may be set twice.
    package func describe(_ details: @autoclosure () -> [(name: String, value: SpanAttribute)]) {
        if let own = self as? RecordedSpan { return own.describe(details()) }
        updateAttributes { attributes in
            for (name, value) in details() { attributes[name] = value }
        }
    }
}
