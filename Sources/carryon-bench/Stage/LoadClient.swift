import NIOCore
import NIOPosix
import Synchronization

/// One HTTP connection, as cheap as can be: what is measured is the server.
final class LoadClient: Sendable {
    private let channel: any Channel

    /// Connects.
    /// - Parameter onLine: gets every line that comes, on the connection's event loop.
    init(port: UInt16, onLine: @escaping @Sendable (Substring) -> Void) async throws {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Lines(onLine))
                }
            }
            .connect(host: "127.0.0.1", port: Int(port)).get()
    }

    func send(_ text: String) {
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
    }

    func close() async { try? await channel.close() }

    /// The status that a gateway says it is ready with.
    static func status(port: UInt16) async throws -> Int? {
        let status = Mutex<Int?>(nil)
        let client = try await LoadClient(port: port) { line in
            guard line.hasPrefix("HTTP/1.1 ") else { return }
            status.withLock { $0 = Int(line.dropFirst(9).prefix(3)) }
        }
        client.send("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        try await client.channel.closeFuture.get()
        return status.withLock { $0 }
    }

    /// A request for a session's events.
    static func stream(_ session: String) -> String {
        "GET /v1/sessions/\(session)/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    }

    /// A request that sends a message.
    static func message(_ session: String, _ text: String) -> String {
        let body = "{\"text\":\"\(text)\"}"
        return
            "POST /v1/sessions/\(session)/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            + body
    }

    private final class Lines: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let onLine: @Sendable (Substring) -> Void
        private var rest = ""

        init(_ onLine: @escaping @Sendable (Substring) -> Void) { self.onLine = onLine }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            rest += String(buffer: unwrapInboundIn(data))
            // CR LF is one character.
            var text = rest[...]
            while let end = text.firstIndex(where: \.isNewline) {
                onLine(text[..<end])
                text = text[text.index(after: end)...]
            }
            rest = String(text)
        }
    }
}
