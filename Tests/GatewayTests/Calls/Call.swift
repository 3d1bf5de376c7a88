import AsyncHTTPClient
import Conversation
import NIOCore
import NIOHTTP1

/// A call and what came of it.
struct Call: Sendable {
    let status: UInt
    let headers: HTTPHeaders
    let body: JSON

    var code: String? { body["error"]?["code"]?.stringValue }
    var param: String? { body["error"]?["param"]?.stringValue }
    var details: JSON? { body["error"]?["details"] }

    /// Makes a call whose body is these bytes.
    /// - Parameter isChunked: leaves the body's length unsaid.
    static func make(
        _ server: EventServer, _ method: HTTPMethod, _ path: String, _ body: [UInt8]? = nil, isChunked: Bool = false,
        headers: [(String, String)] = []
    ) async throws -> Call {
        var request = HTTPClientRequest(url: server.url + path)
        request.method = method
        if let body {
            request.body =
                isChunked
                ? .stream(
                    AsyncStream { continuation in
                        continuation.yield(ByteBuffer(bytes: body))
                        continuation.finish()
                    }, length: .unknown) : .bytes(ByteBuffer(bytes: body))
        }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 16 << 20)
        let json = bytes.readableBytes == 0 ? JSON.null : try JSON(parsing: Array(bytes.readableBytesView))
        return Call(status: response.status.code, headers: response.headers, body: json)
    }

    static func post(
        _ server: EventServer, _ path: String, _ body: JSON, headers: [(String, String)] = []
    ) async throws -> Call {
        try await make(server, .POST, path, body.serialized(), headers: headers)
    }

    static func get(
        _ server: EventServer, _ path: String, headers: [(String, String)] = []
    ) async throws -> Call {
        try await make(server, .GET, path, headers: headers)
    }
}
