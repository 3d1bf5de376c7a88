import Conversation
import Testing

@Suite("Requests")
struct RequestTests {
    private func decode(_ text: String, header: String? = nil) throws -> Request {
        try Request.decode(value: Array(text.utf8), idempotencyKeyHeader: header, fallbackMessageID: "fallback")
    }

    @Test(
        "S56, S57: A bad request has a code and names the member; a request in a JSON string is one of them",
        arguments: [
            ("", "invalid_json", nil), ("{", "invalid_json", nil), ("\"hello\"", "not_an_object", nil),
            ("[]", "not_an_object", nil), ("null", "not_an_object", nil), ("{}", "missing_type", "type"),
            (#"{"type":null}"#, "missing_type", "type"), (#"{"type":1}"#, "invalid_member", "type"),
            (#"{"type":"dance"}"#, "unknown_type", "type"), (#"{"type":"message"}"#, "missing_message", "message"),
            (#"{"type":"message","message":null,"text":null}"#, "missing_message", "message"),
            (#"{"type":"message","message":{},"text":"x"}"#, "message_and_text", "text"),
            (#"{"type":"message","text":1}"#, "invalid_member", "text"),
            (#"{"type":"message","message":"x"}"#, "invalid_member", "message"),
            (#"{"type":"message","message":{"id":"m","parts":[]}}"#, "invalid_member", "message.role"),
            (#"{"type":"message","message":{"role":"system","parts":[]}}"#, "invalid_member", "message.role"),
            (#"{"type":"message","message":{"role":"user"}}"#, "invalid_member", "message.parts"),
            (#"{"type":"message","message":{"id":5,"role":"user","parts":[]}}"#, "invalid_member", "message.id"),
            (
                #"{"type":"message","message":{"role":"user","parts":[{"type":"text"}]}}"#, "invalid_member",
                "message.parts[0].text"
            ),
            (#"{"type":"regenerate","id":7}"#, "invalid_member", "id"),
            (#"{"type":"stop","reason":[]}"#, "invalid_member", "reason"),
            (#"{"type":"close","reason":true}"#, "invalid_member", "reason"),
            (#"{"type":"action"}"#, "missing_action", "action"),
            (#"{"type":"regenerate","idempotencyKey":1}"#, "invalid_member", "idempotencyKey"),
            (#"{"type":"regenerate","deadline":"soon"}"#, "invalid_deadline", "deadline"),
            (#"{"type":"regenerate","deadline":1700000000}"#, "invalid_deadline", "deadline"),
        ] as [(String, String, String?)])
    func refused(text: String, code: String, param: String?) {
        let error = #expect(throws: RequestError.self) { try decode(text) }
        #expect(error?.code == code)
        #expect(error?.param == param)
        #expect(error?.description.hasSuffix(".") == true)
    }

    @Test("A tombstone and bytes that are not UTF-8 are refused")
    func undecodable() {
        func code(_ value: [UInt8]?) -> String? {
            #expect(throws: RequestError.self) {
                try Request.decode(value: value, idempotencyKeyHeader: nil, fallbackMessageID: "f")
            }?.code
        }
        #expect(code(nil) == "tombstone")
        #expect(code([0xFF, 0xFE]) == "invalid_utf8")
        #expect(code(Array(#"{"type":""#.utf8) + [0xC3, 0x22, 0x7D]) == "invalid_utf8")
    }

    @Test("Good requests are read")
    func read() throws {
        #expect(
            try decode(#"{"type":"message","text":"hi","id":"r","extra":1}"#)
                == Request(kind: .message(.user(id: "fallback", text: "hi")), id: "r"))
        #expect(try decode(#"{"type":"regenerate","id":null,"deadline":null}"#) == Request(kind: .regenerate))
        #expect(try decode(#"{"type":"regenerate","id":""}"#) == Request(kind: .regenerate))
        #expect(try decode(#"{"type":"action","action":null}"#) == Request(kind: .action(.null)))
        #expect(try decode(#"{"type":"stop","reason":"enough"}"#) == Request(kind: .stop(reason: "enough")))
        #expect(try decode(#"{"type":"close","reason":null}"#) == Request(kind: .close(reason: nil)))
        #expect(
            try decode(#"{"type":"regenerate","deadline":"1970-01-01T00:00:01.5Z"}"#).deadline
                == Timestamp(milliseconds: 1500))
    }

    @Test(
        "Client data is any JSON, and null is a value", arguments: ["null", "1", "\"x\"", "true", "[1]", "{\"a\":1}"])
    func clientData(text: String) throws {
        #expect(try decode(#"{"type":"regenerate","data":\#(text)}"#).data == JSON(parsing: text))
        #expect(try decode(#"{"type":"regenerate"}"#).data == nil)
    }

    @Test("A message without an id gets one", arguments: [#""id":"","#, #""id":null,"#, ""])
    func fallbackID(member: String) throws {
        let request = try decode(#"{"type":"message","message":{\#(member)"role":"assistant","parts":[]}}"#)
        #expect(request.kind == .message(Message(id: "fallback", role: .assistant)))
        let named = try decode(#"{"type":"message","message":{"id":"m","role":"user","parts":[]}}"#)
        #expect(named.kind == .message(Message(id: "m", role: .user)))
    }

    @Test("An idempotency key has at most 2048 UTF-16 units, and the member wins over the header")
    func idempotencyKey() throws {
        func request(_ key: String, header: String? = nil) throws -> Request {
            let json: JSON = ["type": "regenerate", "idempotencyKey": .string(key)]
            return try decode(json.serializedString, header: header)
        }
        let longest = String(repeating: "😀", count: 1024)
        #expect(try request(longest).idempotencyKey == longest)
        let tooLong = #expect(throws: RequestError.self) { try request(longest + "a") }
        #expect(tooLong?.code == "idempotency_key_too_long" && tooLong?.param == "idempotencyKey")
        #expect(try request("member", header: longest + "a").idempotencyKey == "member")
        #expect(try request("", header: "header").idempotencyKey == "header")
        let header = #expect(throws: RequestError.self) { try request("", header: longest + "a") }
        #expect(header?.code == "idempotency_key_too_long" && header?.param == "idempotency-key")
        #expect(try request("").idempotencyKey == nil)
    }

    @Test(
        "A request's id is bounded: it travels with every event",
        arguments: [(1024, nil), (1025, "request_id_too_long")])
    func idLength(length: Int, code: String?) throws {
        let id = String(repeating: "é", count: length / 2) + (length.isMultiple(of: 2) ? "" : "x")
        let value = Request(kind: .regenerate, id: id).serialized()
        guard let code else {
            #expect(try Request.decode(value: value, idempotencyKeyHeader: nil, fallbackMessageID: "m").id == id)
            return
        }
        let error = #expect(throws: RequestError.self) {
            try Request.decode(value: value, idempotencyKeyHeader: nil, fallbackMessageID: "m")
        }
        #expect(error?.code == code)
        #expect(error?.param == "id")
    }

    @Test("A request that was written reads back the same", arguments: UInt64(0)..<60)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let message = Message(
            id: "m", role: random.pick([.user, .assistant]), metadata: random.maybe { $0.json() },
            parts: (0..<random.below(4)).map { _ in random.part() }, unknown: random.unknown())
        let kinds: [Request.Kind] = [
            .message(message), .regenerate, .action(random.json()), .stop(reason: random.maybe { $0.text() }),
            .close(reason: random.maybe { $0.text() }),
        ]
        let request = Request(
            kind: random.pick(kinds), id: random.maybe { "i" + $0.text() }, data: random.maybe { $0.json() },
            idempotencyKey: random.maybe { "k" + $0.text() },
            deadline: random.maybe { Timestamp(milliseconds: Int64($0.below(1 << 42))) })
        let read = try Request.decode(
            value: request.serialized(), idempotencyKeyHeader: nil, fallbackMessageID: "unused")
        #expect(read == request, Comment(rawValue: "seed \(seed)"))
    }

    @Test(
        "A session id is 1 to 256 bytes of UTF-8 without control characters",
        arguments: [
            (nil, "missing_key"), ([], "invalid_session_id"), ([0xFF], "invalid_session_id"),
            ([0x61, 0x00], "invalid_session_id"), ([0x1F], "invalid_session_id"), ([0x7F], "invalid_session_id"),
            ([0xC2, 0x80], "invalid_session_id"), ([0xC2, 0x9F], "invalid_session_id"), ([0xC2, 0xA0], nil),
            ([0x20], nil), (Array(repeating: 0x61, count: 256), nil),
            (Array(repeating: 0x61, count: 257), "invalid_session_id"),
        ] as [([UInt8]?, String?)])
    func sessionID(bytes: [UInt8]?, code: String?) throws {
        guard let code else {
            #expect(try Array(SessionID.validate(bytes).utf8) == bytes)
            return
        }
        #expect(#expect(throws: RequestError.self) { try SessionID.validate(bytes) }?.code == code)
    }
}
