import Foundation

/// Where a tool is carried out by HTTP, and how it is asked.
///
/// The values of headers may be secrets: whatever way an endpoint is printed, they do not come out, nor does the query
/// of its URL.
public struct HTTPEndpoint: Sendable, Hashable {
    /// What the request asks for, and with it, where the input goes.
    public enum Method: String, Sendable, Hashable, CaseIterable {
        /// The input goes into the URL's query.
        case get = "GET"
        /// The input is the request's body.
        case post = "POST"
        /// The input is the request's body.
        case put = "PUT"
        /// The input is the request's body.
        case patch = "PATCH"
        /// The input goes into the URL's query.
        case delete = "DELETE"

        var sendsBody: Bool { self != .get && self != .delete }
    }

    /// A header of every request.
    public struct Header: Sendable, Hashable {
        public let name: String
        /// Possibly a secret.
        public let value: String

        /// Makes a header; it is checked when an endpoint is made with it.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// An `http` or `https` address, with neither a user's name nor a fragment.
    public let url: String
    public let method: Method
    /// In their order; one that the tool itself would send takes its place.
    public let headers: [Header]
    /// How long a request may take, from the connection to the end of the answer.
    public let timeout: Duration
    /// How many bytes the answer's body may have.
    public let maximumResponseBytes: Int

    /// Makes an endpoint.
    ///
    /// - Parameters:
    ///   - url: an `http` or `https` address. It may have a query, which a tool's input is added to.
    ///   - method: what the request asks for.
    ///   - headers: headers of every request. `Accept` and `Content-Type` may be given another value.
    ///   - timeout: how long a request may take, from the connection to the end of the answer.
    ///   - maximumResponseBytes: how many bytes the answer's body may have.
    /// - Throws: ``HTTPEndpointError`` that names what cannot be used, and no header's value.
    public init(
        url: String, method: Method = .post, headers: [Header] = [], timeout: Duration = .seconds(30),
        maximumResponseBytes: Int = 1 << 20
    ) throws(HTTPEndpointError) {
        try Self.check(url: url)
        for header in headers { try Self.check(header) }
        guard timeout > .zero else { throw HTTPEndpointError(.invalidTimeout, "the timeout must be more than nothing") }
        guard maximumResponseBytes > 0 else {
            throw HTTPEndpointError(.invalidMaximum, "the largest answer must have at least one byte")
        }
        self.url = url
        self.method = method
        self.headers = headers
        // A day stands for any longer time: the timers below count nanoseconds in 64 bits.
        self.timeout = min(timeout, .seconds(86_400))
        self.maximumResponseBytes = maximumResponseBytes
    }

    private static func check(url: String) throws(HTTPEndpointError) {
        guard let parsed = URL(string: url), let scheme = parsed.scheme?.lowercased(),
            scheme == "http" || scheme == "https", parsed.host()?.isEmpty == false
        else {
            throw HTTPEndpointError(.invalidURL, "the URL must be of the form http://HOST or https://HOST")
        }
        guard parsed.user() == nil, parsed.password() == nil else {
            throw HTTPEndpointError(
                .invalidURL, "the URL must not hold a user's name or password; they belong into a header")
        }
        guard parsed.fragment() == nil else {
            throw HTTPEndpointError(.invalidURL, "the URL must not have a fragment")
        }
    }

    private static func check(_ header: Header) throws(HTTPEndpointError) {
        guard !header.name.isEmpty, header.name.utf8.allSatisfy(isTokenByte) else {
            throw HTTPEndpointError(.invalidHeader, "'\(header.name)' is not a header's name")
        }
        let name = header.name.lowercased()
        guard !reservedNames.contains(name) else {
            throw HTTPEndpointError(.invalidHeader, "the header \(header.name) is the tool's own")
        }
        guard header.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
            throw HTTPEndpointError(
                .invalidHeader, "the value of the header \(header.name) has a line end or control character in it")
        }
    }

    /// What frames the request, and what makes it idempotent.
    private static let reservedNames: Set = ["content-length", "transfer-encoding", "connection", "idempotency-key"]

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}

extension HTTPEndpoint: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The method and the URL up to its query.
    public var description: String { "\(method.rawValue) \(url.prefix { $0 != "?" })" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

extension HTTPEndpoint.Header: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The name; the value is hidden.
    public var description: String { "\(name): ••••" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}
