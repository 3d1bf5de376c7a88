package import Tracing

/// What an exporter is given of a span that is over.
package struct FinishedSpan: Sendable {
    package let name: String
    package let kind: SpanKind
    package let context: TraceContext
    /// Nil for the first of its trace.
    package let parent: UInt64?
    /// The session that it is of: `gen_ai.conversation.id`.
    package let conversationID: String?
    /// Nanoseconds since 1970.
    package let begin: UInt64
    package let end: UInt64
    /// What was known from the beginning.
    package let details: [(name: String, value: SpanAttribute)]
    package let attributes: SpanAttributes
    package let events: [SpanEvent]
    package let links: [(context: TraceContext, attributes: SpanAttributes)]
    package let status: SpanStatus?
}
