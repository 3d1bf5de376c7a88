/// Why the model stopped.
public enum FinishReason: String, Sendable, Hashable, CaseIterable {
    case stop
    case length
    case contentFilter = "content-filter"
    case toolCalls = "tool-calls"
    case error
    case other

    /// Reads a reason; one that is not known is ``other``, so that a provider's news never break a stream.
    init(reading text: String) { self = FinishReason(rawValue: text) ?? .other }
}
