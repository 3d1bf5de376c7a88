import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A connection of a client that says what it likes.
final class RawConnection: Sendable {
    private let channel: any Channel

    private init(_ channel: any Channel) { self.channel = channel }

    /// Connects and sends `request` as it is.
    static func open(
        _ port: Int, _ request: String, _ onText: @escaping @Sendable (String) -> Void
    ) async throws -> RawConnection {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Reader(onText))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        try await channel.writeAndFlush(ByteBuffer(string: request))
        return RawConnection(channel)
    }

    func onClose(_ body: @escaping @Sendable () -> Void) {
        channel.closeFuture.whenComplete { _ in body() }
    }

    func close() async throws { try await channel.close() }

    /// A whole answer, by a connection of its own.
    /// - Parameter more: further header lines.
    static func ask(
        _ port: Int, _ path: String, host: String = "127.0.0.1", more: String = ""
    ) async throws -> (head: String, body: String) {
        let text = Mutex("")
        let head = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\(more)\r\n"
        let connection = try await open(port, head) { piece in text.withLock { $0 += piece } }
        try await connection.channel.closeFuture.get()
        let whole = text.withLock { $0 }
        guard let end = whole.range(of: "\r\n\r\n") else { return (whole, "") }
        return (String(whole[..<end.lowerBound]), String(whole[end.upperBound...]))
    }

    private final class Reader: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let onText: @Sendable (String) -> Void

        init(_ onText: @escaping @Sendable (String) -> Void) { self.onText = onText }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            onText(String(buffer: unwrapInboundIn(data)))
        }
    }
}
