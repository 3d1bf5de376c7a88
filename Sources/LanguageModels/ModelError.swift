/// A failure of a model's provider, by class: what a caller decides on is whether, and when, to try again.
public struct ModelError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The classes of failure, named as on the wire.
    public enum Code: String, Sendable, CaseIterable {
        /// Too many requests; the same request may succeed after ``ModelError/retryAfter``.
        case rateLimited = "rate_limited"
        /// The provider has no capacity at the moment.
        case overloaded
        /// The request can never succeed as it is.
        case invalidRequest = "invalid_request"
        /// The prompt does not fit in the model's context window.
        case contextLength = "context_length"
        /// The connection broke before the answer was complete.
        case disconnect
    }

    /// The class of the failure.
    public var code: Code
    /// One sentence for people; holds no secret and no message's text.
    public var message: String
    /// How long the provider asks to wait before the next try, if it says so.
    public var retryAfter: Duration?

    /// Makes an error.
    public init(_ code: Code, _ message: String, retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// Whether the same request may succeed later.
    public var isRetriable: Bool {
        switch code {
        case .rateLimited, .overloaded, .disconnect: true
        case .invalidRequest, .contextLength: false
        }
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
