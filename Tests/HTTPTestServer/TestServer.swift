import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A request as it reached the server.
package struct ReceivedRequest: Sendable {
    package let method: String
    package let uri: String
    package let headers: [(name: String, value: String)]
    package let body: String
    /// The body as it came.
    package let bytes: [UInt8]

    package subscript(name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// What the server does about a request.
package enum ServerReply: Sendable {
    case answer(status: Int, headers: [String: String] = [:], body: [UInt8] = [])
    /// The head and a piece of the body, and then nothing more.
    case begin(body: [UInt8])
    /// A body in pieces, with a pause before each but the first.
    case stream(
        [[UInt8]], contentType: String = "text/event-stream", pause: Duration = .zero, end: StreamEnd = .complete)
    /// Another reply, once it has been busy for a while.
    indirect case after(Duration, ServerReply)
    /// Nothing, as if it were busy.
    case silence
    /// The connection's end.
    case hangUp

    /// What follows the last piece of a stream.
    package enum StreamEnd: Sendable {
        case complete
        /// The connection's end, in the middle of the body.
        case hangUp
        /// Nothing.
        case stall
    }

    package static func json(_ body: String, status: Int = 200) -> Self {
        .answer(status: status, headers: ["Content-Type": "application/json"], body: Array(body.utf8))
    }
}

/// A little HTTP server on loopback.
package final class TestServer: Sendable {
    fileprivate struct State {
        var requests: [ReceivedRequest] = []
        var connections = 0
    }

    fileprivate let state = Mutex(State())
    private let channel: any Channel

    private init(channel: any Channel, holder: Holder) {
        self.channel = channel
        holder.server.withLock { $0 = self }
    }

    /// The handlers are made before the server is.
    fileprivate final class Holder: Sendable {
        let server = Mutex<TestServer?>(nil)
        let reply: @Sendable (ReceivedRequest) -> ServerReply
        init(_ reply: @escaping @Sendable (ReceivedRequest) -> ServerReply) { self.reply = reply }
    }

    /// Serves while `body` runs.
    package static func serving(
        _ reply: @escaping @Sendable (ReceivedRequest) -> ServerReply, _ body: (TestServer) async throws -> Void
    ) async throws {
        let holder = Holder(reply)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(Handler(holder: holder))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = TestServer(channel: channel, holder: holder)
        do {
            try await body(server)
        } catch {
            try? await channel.close()
            throw error
        }
        try? await channel.close()
        holder.server.withLock { $0 = nil }
    }

    package var port: Int { channel.localAddress?.port ?? 0 }
    package var url: String { "http://127.0.0.1:\(port)" }
    package var requests: [ReceivedRequest] { state.withLock { $0.requests } }
    /// How many connections are open.
    package var connections: Int { state.withLock { $0.connections } }
}

private final class Handler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let holder: TestServer.Holder
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(holder: TestServer.Holder) { self.holder = holder }

    func channelActive(context: ChannelHandlerContext) { count(1) }
    func channelInactive(context: ChannelHandlerContext) { count(-1) }

    private func count(_ change: Int) {
        holder.server.withLock { $0 }?.state.withLock { $0.connections += change }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let buffer): body += buffer.readableBytesView
        case .end:
            guard let head else { return }
            let request = ReceivedRequest(
                method: head.method.rawValue, uri: head.uri, headers: head.headers.map { ($0.name, $0.value) },
                body: String(decoding: body, as: UTF8.self), bytes: body)
            holder.server.withLock { $0 }?.state.withLock { $0.requests.append(request) }
            write(holder.reply(request), context)
        }
    }

    private func write(_ reply: ServerReply, _ context: ChannelHandlerContext) {
        switch reply {
        case .answer(let status, let headers, let bytes):
            var fields = HTTPHeaders(headers.map { ($0.key, $0.value) })
            if status != 204 { fields.add(name: "Content-Length", value: "\(bytes.count)") }
            writeHead(HTTPResponseStatus(statusCode: status), fields, bytes, context)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        case .begin(let bytes):
            writeHead(.ok, ["Transfer-Encoding": "chunked"], bytes, context)
            context.flush()
        case .stream(let pieces, let contentType, let pause, let end):
            let head = HTTPResponseHead(
                version: .http1_1, status: .ok,
                headers: ["Transfer-Encoding": "chunked", "Content-Type": contentType])
            context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            writePieces(pieces[...], pause, end, context)
        case .after(let delay, let reply):
            let place = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            context.eventLoop.scheduleTask(in: TimeAmount(delay)) {
                let (handler, context) = place.value
                handler.write(reply, context)
            }
        case .silence: break
        case .hangUp: context.close(promise: nil)
        }
    }

    private func writePieces(
        _ pieces: ArraySlice<[UInt8]>, _ pause: Duration, _ end: ServerReply.StreamEnd, _ context: ChannelHandlerContext
    ) {
        guard let piece = pieces.first else {
            switch end {
            case .complete: context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .hangUp: context.close(promise: nil)
            case .stall: break
            }
            return
        }
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: piece)))), promise: nil)
        let place = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: TimeAmount(pieces.count > 1 ? pause : .zero)) {
            let (handler, context) = place.value
            handler.writePieces(pieces.dropFirst(), pause, end, context)
        }
    }

    private func writeHead(
        _ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ body: [UInt8], _ context: ChannelHandlerContext
    ) {
        context.write(
            wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
    }
}
