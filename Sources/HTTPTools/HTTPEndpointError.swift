/// Why an endpoint cannot be used.
public struct HTTPEndpointError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a caller may want to tell apart.
    public enum Code: String, Sendable {
        case invalidURL = "invalid_url"
        case invalidHeader = "invalid_header"
        case invalidTimeout = "invalid_timeout"
        case invalidMaximum = "invalid_maximum"
    }

    public let code: Code
    /// What is wrong with it; holds no header's value and no URL.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "The endpoint cannot be used: \(message)." }
}
