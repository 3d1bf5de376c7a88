import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// What telemetry is sent to in benchmarks: an HTTP server that answers everything with 200 and keeps nothing. A process of
/// its own, so that what it costs can be told from what the service costs.
final class DiscardingCollector: Sendable {
    let url: String
    let processID: Int32
    private let input: FileHandle

    /// Starts it: this program once more.
    static func start() throws -> DiscardingCollector {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe")
        process.arguments = ["--serve-as-collector"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = Int(line.trimmingCharacters(in: .newlines)) else {
            throw BenchmarkFailure("collector", "the collector did not start")
        }
        return DiscardingCollector(port: port, processID: process.processIdentifier, input: input.fileHandleForWriting)
    }

    private init(port: Int, processID: Int32, input: FileHandle) {
        url = "http://127.0.0.1:\(port)"
        self.processID = processID
        self.input = input
    }

    /// Lets it end.
    func stop() {
        try? input.close()
    }

    /// The collector's own life: serves until its standard input ends.
    static func serve() async throws {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .childChannelInitializer { channel in
                channel.pipeline.configureHTTPServerPipeline().flatMapThrowing {
                    try channel.pipeline.syncOperations.addHandler(Discard())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        FileHandle.standardOutput.write(Data("\(server.localAddress?.port ?? 0)\n".utf8))
        while !FileHandle.standardInput.availableData.isEmpty {}
    }

    private final class Discard: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .end = unwrapInboundIn(data) else { return }
            let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["content-length": "0"])
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
