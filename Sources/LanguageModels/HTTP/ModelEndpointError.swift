/// Why an endpoint cannot be used.
public struct ModelEndpointError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a caller may want to tell apart.
    public enum Code: String, Sendable {
        case invalidURL = "invalid_url"
        case invalidKey = "invalid_key"
    }

    public let code: Code
    /// What is wrong with it; holds no key and no URL.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "The provider's endpoint cannot be used: \(message)." }
}
