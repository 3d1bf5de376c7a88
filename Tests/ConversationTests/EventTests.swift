import Conversation
import Testing

@Suite("Events")
struct EventTests {
    private static let controls: [(ControlRecord, String, String)] = [
        (
            .turnStart(turn: 3, run: 2, messageID: "m"), "turn-start", #"{"turn":3,"run":2,"messageId":"m"}"#
        ),
        (
            .recovered(cause: "SIGSEGV", previousRun: 1, policy: "continue", partial: true), "recovered",
            #"{"cause":"SIGSEGV","previousRun":1,"policy":"continue","partial":true}"#
        ),
        (.superseded(fromSeq: 9), "superseded", #"{"fromSeq":9}"#),
        (
            .turnComplete(
                TurnComplete(
                    turn: 3, outcome: .deadLettered, finishReason: .error, messageID: "m",
                    usage: Usage(inputTokens: 1, outputTokens: 2, totalTokens: 3), error: ["code": "x"], stopped: true)),
            "turn-complete",
            #"{"turn":3,"outcome":"dead-lettered","finishReason":"error","messageId":"m","#
                + #""usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3},"error":{"code":"x"},"stopped":true}"#
        ),
        (
            .turnComplete(TurnComplete(turn: 0, outcome: .completed, finishReason: .toolCalls)), "turn-complete",
            #"{"turn":0,"outcome":"completed","finishReason":"tool-calls","stopped":false}"#
        ),
        (.actionComplete(outcome: "completed"), "action-complete", #"{"outcome":"completed"}"#),
        (.duplicate(requestID: "r"), "duplicate", #"{"requestId":"r"}"#),
        (.expired(requestID: "r"), "expired", #"{"requestId":"r"}"#),
        (.closed(requestID: "r"), "closed", #"{"requestId":"r"}"#),
        (.unknown(subtype: "party", value: ["x": 1]), "party", #"{"x":1}"#),
    ]

    @Test("Control records are written as the protocol says, and read back", arguments: controls)
    func control(record: ControlRecord, subtype: String, value: String) throws {
        #expect(record.subtype == subtype)
        #expect(String(decoding: record.serialized(), as: UTF8.self) == value)
        #expect(try ControlRecord(subtype: subtype, value: JSON(parsing: value)) == record)
    }

    @Test("A control record of the wrong shape is refused, naming the member")
    func malformedControl() {
        func path(_ subtype: String, _ value: JSON) -> String? {
            #expect(throws: ConversationError.self) { try ControlRecord(subtype: subtype, value: value) }?.path
        }
        #expect(path("superseded", [:]) == "fromSeq")
        #expect(path("turn-start", ["turn": "1"]) == "turn")
        #expect(path("turn-complete", ["turn": 1, "outcome": "odd"]) == "outcome")
        #expect(
            path(
                "turn-complete",
                ["turn": 1, "outcome": "failed", "finishReason": "error", "usage": ["inputTokens": 1.5]])
                == "usage.inputTokens")
    }

    private func record(_ event: Event) -> [(String, [UInt8]?)] { event.headers.map { ($0.name, $0.value) } }

    @Test("An event survives the trip through a record", arguments: UInt64(0)..<40)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let hasTurn = random.oneIn(2)
        let event = Event(
            session: "s" + random.text(), seq: Int64(1 + random.below(1000)), turn: hasTurn ? random.below(9) : nil,
            run: hasTurn ? 1 + random.below(3) : nil, requestID: random.maybe { $0.text() },
            requestOffset: random.maybe { Int64($0.below(1000)) }, traceparent: random.maybe { $0.text() },
            body: random.oneIn(2) ? .chunk(random.chunk()) : .control(random.pick(Self.controls).0))
        let read = try Event(key: Array(event.session.utf8), value: event.valueBytes, headers: record(event))
        #expect(read == event, Comment(rawValue: "seed \(seed)"))
        #expect(try EventHeaders(key: Array(event.session.utf8), headers: record(event)) == event.head)
    }

    @Test("Headers have the names and the decimal values of the protocol")
    func headers() {
        let event = Event(
            session: "s", seq: 12, turn: 0, run: 1, requestID: "r", requestOffset: 7, traceparent: "00-x",
            body: .control(.superseded(fromSeq: 3)))
        let written = event.headers.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }
        #expect(
            written == [
                "seq=12", "turn=0", "run=1", "control=superseded", "request-id=r", "request-offset=7",
                "traceparent=00-x",
            ])
    }

    @Test(
        "A record with a malformed header is refused, naming it",
        arguments: [
            ([], "header seq"), ([("seq", "0")], "header seq"), ([("seq", "")], "header seq"),
            ([("seq", nil)], "header seq"), ([("seq", "+1")], "header seq"),
            ([("seq", "99999999999999999999")], "header seq"), ([("seq", "1"), ("turn", "-1")], "header turn"),
            ([("seq", "1"), ("run", "0")], "header run"),
            ([("seq", "1"), ("request-offset", "x")], "header request-offset"),
        ] as [([(String, String?)], String)])
    func malformedHeaders(headers: [(String, String?)], path: String) {
        let raw = headers.map { ($0.0, $0.1.map { Array($0.utf8) }) }
        let error = #expect(throws: ConversationError.self) { try EventHeaders(key: [0x73], headers: raw) }
        #expect(error?.path == path)
    }

    @Test("A record without key or value is refused")
    func missingParts() {
        let headers: [(String, [UInt8]?)] = [("seq", [0x31])]
        #expect(#expect(throws: ConversationError.self) { try EventHeaders(key: nil, headers: headers) }?.path == "key")
        #expect(
            #expect(throws: ConversationError.self) { try EventHeaders(key: [0xFF], headers: headers) }?.path == "key")
        #expect(throws: ConversationError.self) { try Event(key: [0x73], value: nil, headers: headers) }
    }
}
