import Conversation
import TestSupport
import Testing

@testable import Gateway

@Suite("Calls that read the store")
struct StoreCallTests {
    @Test("Sessions, transcripts and runs are listed page by page")
    func lists() async throws {
        try await EventServer.serving { server in
            for name in ["a", "b", "c/d"] {
                let turns = try await StoredTurns.take(server.store, session: name)
                try await turns.settle(turn: 0, events: 3)
                try await turns.settle(turn: 1, events: 3)
            }
            var names: Set<String> = []
            var cursor = ""
            repeat {
                let call = try await Call.get(server, "/v1/sessions?limit=1\(cursor)")
                #expect(call.status == 200)
                names.formUnion((call.body["sessions"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue })
                cursor = call.body["cursor"]?.stringValue.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(names == ["a", "b", "c/d"])
            let first = try await Call.get(server, "/v1/sessions/a/messages?limit=3")
            #expect(first.body["messages"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["q0", "a0", "q1"])
            let next = first.body["cursor"]?.stringValue ?? ""
            let rest = try await Call.get(server, "/v1/sessions/a/messages?limit=3&cursor=\(next)")
            #expect(rest.body["messages"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["a1"])
            #expect(rest.body["cursor"] == nil)
            let runs = try await Call.get(server, "/v1/runs?session=c%2Fd&status=completed")
            #expect(runs.body["runs"]?.arrayValue?.compactMap { $0["id"]?.stringValue } == ["c/d/1/1", "c/d/0/1"])
            #expect(try await Call.get(server, "/v1/runs/c/d/1/1").body["turn"]?.int == 1)
            #expect(try await Call.get(server, "/v1/runs/c%2Fd%2F1%2F1").body["turn"]?.int == 1)
            #expect(try await Call.get(server, "/v1/runs?region=nowhere,elsewhere").body["runs"] == [])
        }
    }

    @Test(
        "What is asked for wrongly is refused by name",
        arguments: [
            ("/v1/sessions?limit=0", 400, "invalid_limit"), ("/v1/sessions?limit=1001", 400, "invalid_limit"),
            ("/v1/sessions?limit=1", 200, nil), ("/v1/sessions?limit=1000", 200, nil),
            ("/v1/sessions?cursor=nonsense", 400, "invalid_cursor"), ("/v1/runs?cursor=x", 400, "invalid_cursor"),
            ("/v1/runs?status=done", 400, "invalid_status"), ("/v1/sessions/none", 404, "not_found"),
            ("/v1/sessions/none/messages", 404, "not_found"), ("/v1/runs/none/0/1", 404, "not_found"),
            ("/v1/runs/none", 404, "not_found"), ("/v1/nothing", 404, "not_found"), ("/nothing", 404, "not_found"),
            ("/v1/sessions/s/events?after=-1", 400, "invalid_position"),
            ("/v1/sessions/s/events?after=9223372036854775807", 400, "invalid_position"),
            ("/v1/chat/none/stream", 204, nil),
        ] as [(String, UInt, String?)])
    func refusals(_ path: String, _ status: UInt, _ code: String?) async throws {
        try await EventServer.serving { server in
            let call = try await Call.get(server, path)
            #expect(call.status == status)
            #expect(call.code == code)
        }
    }
}
