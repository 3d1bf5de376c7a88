import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection whose client takes too long to say what it wants, and one that says far too much. What is
/// answered may take as long as it likes.
///
/// Unchecked: a handler belongs to one channel, and only that channel's event loop calls it.
final class RequestDeadline: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    private let timeout: TimeAmount
    private let limit: Int
    private var timer: Scheduled<Void>?
    private var bytes = 0

    /// - Parameters:
    ///   - timeout: for a request's head, from the connection's begin, and for its body, from there.
    ///   - limit: bytes of a body, whatever becomes of it.
    init(timeout: TimeAmount, limit: Int) {
        self.timeout = timeout
        self.limit = limit
    }

    func handlerAdded(context: ChannelHandlerContext) { start(context) }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            bytes = 0
            start(context)
        case .body(let buffer):
            bytes += buffer.readableBytes
            if bytes > limit { return context.close(promise: nil) }
        case .end:
            timer?.cancel()
            timer = nil
        }
        context.fireChannelRead(data)
    }

    private func start(_ context: ChannelHandlerContext) {
        timer?.cancel()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }
}
