import CarryonTesting
import Conversation
import Kafka
import NIOHTTP1
import TestSupport
import Testing

@testable import Gateway

@Suite("Calls that send requests")
struct RequestCallTests {
    private static let messages = "/v1/sessions/s/messages"

    @Test("A message is acknowledged by the broker, and is on the topic as it was meant")
    func message() async throws {
        try await EventServer.serving { server in
            let call = try await Call.post(
                server, Self.messages, ["text": "Hello", "data": .null, "x": 1],
                headers: [("Idempotency-Key", "k"), ("traceparent", "00-1-2-01")])
            #expect(call.status == 202)
            let partition = try #require(call.body["partition"]?.int)
            #expect(call.body["offset"]?.int == 0)
            #expect(call.body["requestId"]?.stringValue == "\(partition)-0")
            let record = try #require(try await server.request(partition: Int32(partition), offset: 0))
            #expect(record.keyString == "s")
            #expect(record.headerString("traceparent") == "00-1-2-01")
            let request = try Request.decode(value: record.value, idempotencyKeyHeader: nil, fallbackMessageID: "m")
            #expect(request.idempotencyKey == "k")
            #expect(request.data == .null)
            #expect(request.type == "message")
        }
    }

    @Test("Every kind of request has its call", arguments: ["regenerate", "stop", "close", "actions"])
    func kinds(_ kind: String) async throws {
        try await EventServer.serving { server in
            let body: JSON = kind == "actions" ? ["action": ["do": "it"]] : ["reason": "so"]
            let call = try await Call.post(server, "/v1/sessions/a%20b%2Fc/\(kind)", body)
            #expect(call.status == 202)
            let partition = Int32(call.body["partition"]?.int ?? -1)
            let record = try #require(try await server.request(partition: partition, offset: 0))
            #expect(record.keyString == "a b/c")
            let request = try Request.decode(value: record.value, idempotencyKeyHeader: nil, fallbackMessageID: "m")
            #expect(request.type == (kind == "actions" ? "action" : kind))
        }
    }

    @Test("Answers to calls of tools become the message that carries them")
    func toolResults() async throws {
        try await EventServer.serving { server in
            let answers: [(JSON, ToolState)] = [
                (["toolCallId": "c", "output": .null], .outputAvailable),
                (["toolCallId": "c", "errorText": "no"], .outputError),
                (["toolCallId": "c", "approved": false, "reason": "because"], .approvalResponded),
            ]
            for (body, state) in answers {
                let call = try await Call.post(server, "/v1/sessions/s/tool-results", body)
                #expect(call.status == 202)
                let partition = Int32(call.body["partition"]?.int ?? -1)
                let offset = Int64(call.body["offset"]?.int ?? -1)
                let record = try #require(try await server.request(partition: partition, offset: offset))
                let request = try Request.decode(value: record.value, idempotencyKeyHeader: nil, fallbackMessageID: "m")
                guard case .message(let message) = request.kind, case .tool(let part)? = message.parts.first else {
                    Issue.record("an answer is no message with a call")
                    continue
                }
                #expect(message.role == .assistant)
                #expect(part.state == state)
                #expect(part.toolCallID == "c")
            }
            let refused: [(JSON, String)] = [
                (["output": 1], "missing_tool_call_id"), (["toolCallId": "c"], "invalid_tool_result"),
                (["toolCallId": "c", "output": 1, "approved": true], "invalid_tool_result"),
                (["toolCallId": "c", "approved": "yes"], "invalid_tool_result"),
            ]
            for (body, code) in refused {
                let call = try await Call.post(server, "/v1/sessions/s/tool-results", body)
                #expect(call.status == 400)
                #expect(call.code == code)
            }
        }
    }

    @Test("An idempotency key is bounded, as a member and as a header")
    func idempotencyKey() async throws {
        try await EventServer.serving { server in
            // Two UTF-16 units each.
            let longest = String(repeating: "😀", count: 1024)
            let fits = try await Call.post(server, Self.messages, ["text": "x", "idempotencyKey": .string(longest)])
            #expect(fits.status == 202)
            let member = try await Call.post(
                server, Self.messages, ["text": "x", "idempotencyKey": .string(longest + "a")])
            #expect(member.status == 400)
            #expect(member.code == "idempotency_key_too_long")
            #expect(member.param == "idempotencyKey")
            #expect(member.details?["maximum"]?.int == 2048)
            let key = String(repeating: "k", count: 2048)
            let short = try await Call.post(server, Self.messages, ["text": "x"], headers: [("idempotency-key", key)])
            #expect(short.status == 202)
            let header = try await Call.post(
                server, Self.messages, ["text": "x"], headers: [("idempotency-key", key + "k")])
            #expect(header.status == 400)
            #expect(header.param == "idempotency-key")
        }
    }

    @Test("A body is bounded, whether its length is said or not", arguments: [false, true])
    func bodySize(_ isChunked: Bool) async throws {
        try await EventServer.serving { server in
            for (size, status) in [((1 << 20) - 1, 202), (1 << 20, 202), ((1 << 20) + 1, 413)] as [(Int, UInt)] {
                let frame = #"{"text":""}"#.utf8.count
                let text = String(repeating: "x", count: size - frame)
                let body = Array(#"{"text":"\#(text)"}"#.utf8)
                #expect(body.count == size)
                let call = try await Call.make(server, .POST, Self.messages, body, isChunked: isChunked)
                #expect(call.status == status, "\(size) bytes")
                if status == 413 {
                    #expect(call.code == "body_too_large")
                    #expect(call.details?["maximum"]?.int == 1 << 20)
                }
            }
        }
    }

    @Test("A session id is bounded")
    func sessionID() async throws {
        try await EventServer.serving { server in
            let longest = String(repeating: "i", count: 256)
            for (id, status) in [
                (longest, 202), (longest + "i", 400), ("%00", 400), ("a%7Fb", 400),
                ("%C3%A9", 202),
            ] as [(String, UInt)] {
                let call = try await Call.post(server, "/v1/sessions/\(id)/messages", ["text": "x"])
                #expect(call.status == status, "id \(id.prefix(10))")
                if status == 400 { #expect(call.code == "invalid_session_id") }
            }
            // What a well-behaved client would not send.
            for id in ["%FF", "a%", "%zz"] {
                let (head, body) = try await RawConnection.ask(server.port, "/v1/sessions/\(id)")
                #expect(head.hasPrefix("HTTP/1.1 400"), "id \(id): \(head)")
                #expect(body.contains("invalid_session_id"), "id \(id): \(body)")
            }
        }
    }

    @Test("What can't be read is refused, and nothing is sent")
    func refusals() async throws {
        try await EventServer.serving { server in
            let cases: [(String, String)] = [
                ("{", "invalid_json"), ("[]", "not_an_object"), ("", "missing_message"), ("{}", "missing_message"),
                (#"{"text":"a","message":{"role":"user","parts":[]}}"#, "message_and_text"),
                (#"{"text":5}"#, "invalid_member"), (#"{"text":"a","deadline":"soon"}"#, "invalid_deadline"),
                (#"{"message":{"role":"system","parts":[]}}"#, "invalid_member"),
            ]
            for (body, code) in cases {
                let call = try await Call.make(server, .POST, Self.messages, Array(body.utf8))
                #expect(call.status == 400, "\(body)")
                #expect(call.code == code, "\(body)")
                #expect(call.body["error"]?["message"]?.stringValue?.isEmpty == false)
            }
            let good = try await Call.post(server, Self.messages, ["text": "x"])
            #expect(good.body["offset"]?.int == 0)
        }
    }

    @Test("A closed session takes no more")
    func closed() async throws {
        try await EventServer.serving { server in
            let turns = try await StoredTurns.take(server.store, session: "s")
            try await turns.settle(turn: 0, events: 3)
            #expect(try await Call.post(server, Self.messages, ["text": "x"]).status == 202)
            try await turns.settle(turn: 1, events: 3, isClosed: true)
            let call = try await Call.post(server, Self.messages, ["text": "x"])
            #expect(call.status == 409)
            #expect(call.code == "session_closed")
        }
    }

    @Test("With the brokers or the store away, a call is told to come again")
    func away() async throws {
        try await EventServer.serving({ $0.acknowledgementTimeout = .seconds(2) }) { server in
            #expect(try await Call.post(server, Self.messages, ["text": "x"]).status == 202)
            try server.broker.setBrokerDown()
            let call = try await Call.post(server, Self.messages, ["text": "x"])
            #expect(call.status == 503)
            #expect(call.code == "unavailable")
            #expect(call.details?["what"]?.stringValue == "broker")
            #expect(call.headers.first(name: "retry-after").flatMap { Int($0) } ?? 0 > 0)
            try await server.store.close()
            let without = try await Call.get(server, "/v1/sessions")
            #expect(without.status == 503)
            #expect(without.details?["what"]?.stringValue == "session store")
            #expect(try await Call.get(server, "/readyz").status == 503)
            #expect(try await Call.get(server, "/healthz").status == 200)
        }
    }

    @Test("No call is answered but in the protocol's form, whatever is sent", arguments: 0..<4)
    func fuzz(_ index: UInt64) async throws {
        let seed = testSeed() &+ index
        var random = SeededGenerator(seed: seed)
        try await EventServer.serving { server in
            let bodies = [
                #"{"text":"Hello","data":{"a":[1,2,null]},"idempotencyKey":"k"}"#,
                #"{"message":{"id":"m","role":"user","parts":[{"type":"text","text":"x"}]},"deadline":"2030-01-01T00:00:00Z"}"#,
                #"{"toolCallId":"c","output":{"x":1e9}}"#,
                #"{"id":"s","messages":[{"id":"m","role":"assistant","parts":[{"type":"tool-x","state":"output-available"}]}]}"#,
            ]
            let paths = ["messages", "regenerate", "actions", "stop", "tool-results"]
            for _ in 0..<60 {
                var body = Array((bodies.randomElement(using: &random) ?? "").utf8)
                for _ in 0..<Int.random(in: 0...6, using: &random) where !body.isEmpty {
                    let place = Int.random(in: 0..<body.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: body[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: body.remove(at: place)
                    default: body.insert(contentsOf: body.prefix(Int.random(in: 0...9, using: &random)), at: place)
                    }
                }
                let path = paths.randomElement(using: &random) ?? ""
                let call = try await Call.make(server, .POST, "/v1/sessions/s/\(path)", body)
                let isInForm = call.status == 202 || (call.status == 400 && call.code != nil)
                #expect(
                    isInForm, "CARRYON_TEST_SEED=\(seed): \(call.status) for \(String(decoding: body, as: UTF8.self))")
            }
            for _ in 0..<60 {
                let alphabet = Array("0123456789-+ exabcdef%.,😀")
                let text = String(
                    (0..<Int.random(in: 1...22, using: &random)).map { _ in
                        alphabet.randomElement(using: &random) ?? "0"
                    })
                guard Int64(text) == nil || text.hasPrefix("-") || text.hasPrefix("+") else { continue }
                let query = text.utf8.map { "%" + String(Int($0) + 256, radix: 16).suffix(2) }.joined()
                let call = try await Call.get(server, "/v1/sessions/s/events?after=\(query)")
                #expect(call.status == 400 && call.code == "invalid_position", "CARRYON_TEST_SEED=\(seed): \(text)")
            }
        }
    }
}
