import HTTPTypes
import Hummingbird
import NIOCore

/// `GET /`: the page, one document with its script and its style inside.
///
/// Each answer allows the script that it came with, and no other: whatever a model or a user might smuggle into the
/// document does not run.
struct PageRoute: Sendable {
    private static let placeholder = "{{nonce}}"

    /// The document, apart at the places of the nonce.
    private let pieces: [Substring]

    /// - Parameter document: HTML whose script and style elements have the placeholder as their nonce.
    init(document: [UInt8] = PackageResources.index_html) {
        pieces = String(decoding: document, as: UTF8.self).split(
            separator: Self.placeholder, omittingEmptySubsequences: false)
    }

    func add(to router: Router<GatewayContext>) {
        router.get("/") { _, _ in response() }
    }

    func response() -> Response {
        let nonce = Self.nonce()
        return Response(
            status: .ok, headers: Self.headers(nonce: nonce),
            body: ResponseBody(byteBuffer: ByteBuffer(string: pieces.joined(separator: nonce))))
    }

    private static func headers(nonce: String) -> HTTPFields {
        var fields: HTTPFields = [.contentType: "text/html; charset=utf-8", .cacheControl: "no-store"]
        fields[.contentSecurityPolicy] = [
            "default-src 'none'", "script-src 'nonce-\(nonce)'", "style-src 'nonce-\(nonce)'", "connect-src 'self'",
            "img-src data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        ].joined(separator: "; ")
        return fields
    }

    /// 128 bits that nobody can guess, in characters that need no quoting.
    private static func nonce() -> String {
        var generator = SystemRandomNumberGenerator()
        return (0..<2).map { _ in String(UInt64.random(in: .min ... .max, using: &generator), radix: 16) }.joined()
    }
}
