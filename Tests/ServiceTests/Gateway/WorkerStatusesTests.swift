import Conversation
import HTTPTestServer
import TestSupport
import Testing

@testable import CarryonService

@Suite("Workers' statuses")
struct WorkerStatusesTests {
    @Test("Each worker has its entry in the order of the addresses, whatever it answers")
    func all() async throws {
        let closed = try LoopbackSocket.freePort()
        let replies: [ServerReply] = [
            .json(#"{"turns":3}"#), .json("[]"), .json("<html>"), .json("{}", status: 503),
        ]
        try await Self.serving(replies[...], []) { servers in
            let addresses = servers.map { ListenAddress(host: "127.0.0.1", port: $0.port) }
            let gone = ListenAddress(host: "127.0.0.1", port: Int(closed))
            let statuses = await WorkerStatuses(addresses: addresses + [gone], timeout: .seconds(60)).all()
            #expect(statuses.map { $0["address"]?.stringValue } == (addresses + [gone]).map { "\($0)" })
            #expect(statuses[0]["turns"] == 3)
            #expect(
                statuses.map { $0["error"]?.stringValue } == [
                    nil, "answers something else than a status", "answers something else than a worker does",
                    "answers 503", "can't be reached",
                ])
        }
    }

    @Test("A worker that does not answer in time has its entry too")
    func silent() async throws {
        try await Self.serving([.silence], []) { servers in
            let addresses = servers.map { ListenAddress(host: "127.0.0.1", port: $0.port) }
            let statuses = await WorkerStatuses(addresses: addresses, timeout: .milliseconds(200)).all()
            #expect(statuses.map { $0["error"]?.stringValue } == ["does not answer"])
        }
    }

    private static func serving(
        _ replies: ArraySlice<ServerReply>, _ servers: [TestServer], _ body: ([TestServer]) async throws -> Void
    ) async throws {
        guard let reply = replies.first else { return try await body(servers) }
        try await TestServer.serving({ _ in reply }) { server in
            try await serving(replies.dropFirst(), servers + [server], body)
        }
    }
}
