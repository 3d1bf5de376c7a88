import HTTPTools
import Testing

@Suite("An HTTP tool's endpoint")
struct HTTPEndpointTests {
    @Test(
        "What is no address of a server is refused",
        arguments: [
            "", "example.com", "/path", "ftp://example.com", "http://", "https:///path", "http://a b/",
            "http://user@example.com", "https://user:secret@example.com/", "https://example.com/#part",
        ])
    func malformedURL(url: String) {
        let error = #expect(throws: HTTPEndpointError.self) { try HTTPEndpoint(url: url) }
        #expect(error?.code == .invalidURL)
        #expect(error?.description.contains("secret") == false)
    }

    @Test(
        "What is an address of a server is accepted",
        arguments: [
            "http://localhost", "https://example.com:8443/a/b?c=d", "HTTP://EXAMPLE.COM", "http://[::1]:80/",
            "http://127.0.0.1:9/%20",
        ])
    func url(url: String) throws {
        #expect(try HTTPEndpoint(url: url).url == url)
    }

    @Test(
        "A header that could not be sent, or that is the tool's own, is refused without its value",
        arguments: [
            ("", "v"), ("a b", "v"), ("ä", "v"), ("a:", "v"), ("X-Key", "secret\r\nX-Other: 1"),
            ("X-Key", "secret\u{0}"),
            ("content-length", "secret"), ("Transfer-Encoding", "secret"), ("Idempotency-Key", "secret"),
        ])
    func header(name: String, value: String) {
        let error = #expect(throws: HTTPEndpointError.self) {
            try HTTPEndpoint(url: "http://localhost", headers: [.init(name, value)])
        }
        #expect(error?.code == .invalidHeader)
        #expect(error?.description.contains("secret") == false)
    }

    @Test("Limits that leave nothing are refused")
    func limits() {
        #expect(throws: HTTPEndpointError.self) { try HTTPEndpoint(url: "http://localhost", timeout: .zero) }
        #expect(throws: HTTPEndpointError.self) { try HTTPEndpoint(url: "http://localhost", maximumResponseBytes: 0) }
    }

    @Test("However it is printed, neither a header's value nor the query comes out")
    func secrecy() throws {
        let endpoint = try HTTPEndpoint(
            url: "https://example.com/path?key=hidden", headers: [.init("Authorization", "Bearer hidden")])
        var dumped = ""
        dump(endpoint, to: &dumped)
        dump(endpoint.headers, to: &dumped)
        for text in ["\(endpoint)", String(reflecting: endpoint), "\(endpoint.headers)", dumped, "\([endpoint])"] {
            #expect(!text.contains("hidden"))
        }
        #expect("\(endpoint)" == "POST https://example.com/path")
        #expect("\(endpoint.headers)".contains("Authorization"))
    }
}
