import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection whose client takes too long to say what it wants, also between two requests, and one that says
/// far too much. What is answered may take as long as it likes.
final class RequestDeadline: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let timeout: TimeAmount
    private let limit: Int
    private var timer: Scheduled<Void>?
    private var bytes = 0

    /// - Parameters:
    ///   - timeout: for a request's head, from the connection's begin or the last answer's end, and for its body.
    ///   - limit: bytes of a body, whatever becomes of it.
    init(timeout: TimeAmount, limit: Int) {
        self.timeout = timeout
        self.limit = limit
    }

    func handlerAdded(context: ChannelHandlerContext) { start(context) }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
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
        case .end: stop()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { start(context) }
        context.write(data, promise: promise)
    }

    private func start(_ context: ChannelHandlerContext) {
        stop()
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }
}
