import AsyncHTTPClient
import Conversation
import NIOCore
import NIOHTTP1

extension HTTPEndpoint {
    /// The request that carries `input` here.
    ///
    /// - Parameter key: names the call, so that the server can tell that it has been made before.
    func request(input: JSON, key: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: method.sendsBody ? url : url(with: input))
        request.method = HTTPMethod(rawValue: method.rawValue)
        request.headers.add(name: "Accept", value: "application/json")
        if method.sendsBody {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: input.serialized()))
        }
        for header in headers where Self.ownNames.contains(header.name.lowercased()) {
            request.headers.remove(name: header.name)
        }
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        // Whoever chose the id, it must not be able to end the header.
        request.headers.add(name: "Idempotency-Key", value: Self.escaped(key, keeping: Self.isVisible))
        return request
    }

    private static let ownNames: Set = ["accept", "content-type"]

    /// The URL with the members of `input` as items of its query: texts as they are, anything else as JSON, an array as
    /// one item per element, `null` as none. What is no object becomes the one item `input`.
    private func url(with input: JSON) -> String {
        let members = input.objectValue ?? ["input": input]
        let items = members.flatMap { name, value in
            (value.arrayValue ?? [value]).filter { !$0.isNull }.map { element in
                let text = element.stringValue ?? element.serializedString
                return
                    "\(Self.escaped(name, keeping: Self.isUnreserved))=\(Self.escaped(text, keeping: Self.isUnreserved))"
            }
        }
        guard !items.isEmpty else { return url }
        let separator = url.contains("?") ? (url.hasSuffix("?") || url.hasSuffix("&") ? "" : "&") : "?"
        return url + separator + items.joined(separator: "&")
    }

    private static func escaped(_ text: String, keeping isKept: (UInt8) -> Bool) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if isKept(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isVisible(_ byte: UInt8) -> Bool { (0x21...0x7E).contains(byte) }

    /// What RFC 3986 calls so: all that stands for itself wherever it stands in a URL.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~".utf8.contains(byte)
        }
    }
}
