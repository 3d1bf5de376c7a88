import ChatAgent
import Conversation
import Kafka
import SessionStore
import Telemetry
import Tracing

extension TurnExecutor {
    /// The span of carrying a request out (OpenTelemetry, *Semantic conventions for messaging spans*): a trace of its own,
    /// linked to the producer's, which may be long over.
    ///
    /// Whatever happens in its context has the request's place: other sessions' turns run in this process too.
    func startSpan(of dispatch: Dispatch, in session: String) -> any Span {
        let record = dispatch.record
        var context = ServiceContext.topLevel
        context.place = WorkPlace(conversationID: session, request: (record.partition, record.offset))
        let span = beginSpan("process \(record.topic)", in: context, ofKind: .consumer)
        guard span.isRecording else { return span }
        span.describe([
            ("messaging.system", "kafka"), ("messaging.operation.name", "process"),
            ("messaging.operation.type", "process"), ("messaging.destination.name", .string(record.topic)),
            ("messaging.destination.partition.id", .string("\(record.partition)")),
            ("messaging.kafka.offset", .int64(record.offset)),
            ("messaging.consumer.group.name", .string(environment.options.groupID)),
        ])
        if let producer = record.headerString("traceparent") { span.link(to: producer) }
        return span
    }

    /// Counts a turn that is settled.
    @inline(never)
    func count(_ effect: TurnEffect, _ begun: BegunRun) {
        let outcome = effect.outcome.rawValue
        MetricCatalog.turns.add(1, outcome, begun.previousCause ?? "", begun.run.region ?? "")
        MetricCatalog.turnDuration.record(since: begun.began, outcome)
        if let tokens = effect.usage?.inputTokens { MetricCatalog.tokens.add(Double(tokens), "input") }
        if let tokens = effect.usage?.outputTokens { MetricCatalog.tokens.add(Double(tokens), "output") }
    }
}

extension Span {
    /// Links to the span that a `traceparent` names; one that is none is nothing to link to.
    func link(to traceparent: String) {
        guard let trace = TraceContext(traceparent: traceparent) else { return }
        var context = ServiceContext.topLevel
        context.trace = trace
        addLink(SpanLink(context: context, attributes: [:]))
    }
}
