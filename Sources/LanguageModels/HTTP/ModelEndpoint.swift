import Foundation

/// Where a provider's API is, and the key to it.
///
/// Whatever way an endpoint is printed, its key does not come out.
public struct ModelEndpoint: Sendable, Hashable {
    /// An `http` or `https` address without a slash at its end.
    public let baseURL: String
    /// The provider's host, for messages.
    public let host: String
    /// A secret.
    let key: String?

    /// Makes an endpoint.
    ///
    /// - Parameters:
    ///   - baseURL: an `http` or `https` address, to which the API's paths are added. It has no query.
    ///   - key: the key of the account; `nil` or empty for a server that asks for none.
    /// - Throws: ``ModelEndpointError`` that says what cannot be used, without repeating it.
    public init(baseURL: String, key: String? = nil) throws(ModelEndpointError) {
        guard let parsed = URL(string: baseURL), let scheme = parsed.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = parsed.host(), !host.isEmpty
        else {
            throw ModelEndpointError(.invalidURL, "the URL must be of the form http://HOST or https://HOST")
        }
        guard parsed.user() == nil, parsed.password() == nil, parsed.query() == nil, parsed.fragment() == nil else {
            throw ModelEndpointError(
                .invalidURL, "the URL must have neither a user's name or password nor a query or fragment")
        }
        let key = key.flatMap { $0.isEmpty ? nil : $0 }
        guard key?.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) != false else {
            throw ModelEndpointError(.invalidKey, "the key has a character in it that no header may have")
        }
        var base = baseURL
        while base.hasSuffix("/") { base.removeLast() }
        self.baseURL = base
        self.host = host
        self.key = key
    }

    /// Whether there is a key.
    public var hasKey: Bool { key != nil }
}

extension ModelEndpoint: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The address.
    public var description: String { baseURL }
    public var debugDescription: String { baseURL }
    public var customMirror: Mirror { Mirror(self, children: ["baseURL": baseURL]) }
}
