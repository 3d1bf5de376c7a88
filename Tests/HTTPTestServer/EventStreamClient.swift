package import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// One server-sent event as a client reads it.
package struct ServerSentEvent: Sendable, Hashable {
    package var id: Int64?
    package var event = "message"
    package var data = ""
}

/// A reader of server-sent events, as plain as can be.
package struct EventStreamClient: Sendable {
    package struct Refused: Error, CustomStringConvertible {
        package let status: UInt
        package let body: String
        package var description: String { "The stream was refused with \(status): \(body)" }
    }

    /// What a stream ended by.
    package enum Ending: Sendable, Hashable {
        /// The reader had enough.
        case left
        /// The server ended it.
        case over
    }

    private let client: HTTPClient

    package init(_ client: HTTPClient = .shared) { self.client = client }

    /// Reads until `body` returns `false` or the server ends the stream.
    /// - Throws: what the connection or `body` throws.
    package func read(
        _ url: String, headers: [(String, String)] = [], post: String? = nil, timeout: Duration = .seconds(120),
        isolation: isolated (any Actor)? = #isolation, _ body: (ServerSentEvent) async throws -> Bool
    ) async throws -> Ending {
        var request = HTTPClientRequest(url: url)
        if let post {
            request.method = .POST
            request.body = .bytes(ByteBuffer(string: post))
        }
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await client.execute(request, timeout: TimeAmount(timeout))
        guard response.status == .ok else {
            let text = try await String(buffer: response.body.collect(upTo: 1 << 20))
            throw Refused(status: response.status.code, body: text)
        }
        var line: [UInt8] = []
        var event = ServerSentEvent()
        var hasData = false
        for try await piece in response.body {
            var rest = piece.readableBytesView
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                line.append(contentsOf: rest[rest.startIndex..<end])
                rest = rest[(end + 1)...]
                let text = String(decoding: line, as: UTF8.self)
                line.removeAll(keepingCapacity: true)
                if text.isEmpty {
                    if hasData, try await !body(event) { return .left }
                    event = ServerSentEvent()
                    hasData = false
                } else if text.hasPrefix("data: ") {
                    event.data += (hasData ? "\n" : "") + text.dropFirst(6)
                    hasData = true
                } else if text.hasPrefix("id: ") {
                    event.id = Int64(text.dropFirst(4))
                } else if text.hasPrefix("event: ") {
                    event.event = String(text.dropFirst(7))
                }
            }
            line.append(contentsOf: rest)
        }
        return .over
    }
}
