import Conversation
import Foundation
import Kafka
import Testing
import TurnHost

@testable import CarryonService

/// The protocol's article and the code say the same.
@Suite("The protocol's article")
struct ProtocolArticleTests {
    private static let article: String = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = root.appendingPathComponent("Sources/CarryonService/CarryonService.docc/Protocol.md").path
        return (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }()

    private static let controls: [ControlRecord] = [
        .turnStart(turn: 0, run: 1, messageID: "m"),
        .recovered(cause: "unknown", previousRun: 1, policy: "continue", partial: true), .superseded(fromSeq: 1),
        .turnComplete(
            TurnComplete(
                turn: 0, outcome: .completed, finishReason: .stop, messageID: "m", usage: Usage(), error: "e",
                stopped: false)),
        .actionComplete(outcome: "o"), .duplicate(requestID: "r"), .expired(requestID: "r"), .closed(requestID: "r"),
        .checkpoint(
            CheckpointRecord(
                history: CheckpointRecord.History(keep: 0, replaced: [:], appended: []), state: .null, ahead: [1])),
    ]

    private static let chunkTypes = [
        "start", "start-step", "text-start", "text-delta", "text-end", "reasoning-start", "reasoning-delta",
        "reasoning-end", "tool-input-start", "tool-input-delta", "tool-input-available", "tool-input-error",
        "tool-approval-request", "tool-output-available", "tool-output-error", "tool-output-denied", "source-url",
        "source-document", "file", "message-metadata", "finish-step", "finish", "error", "abort",
    ]

    @Test("Every control record is there with its members", arguments: controls)
    func control(_ control: ControlRecord) {
        expectNamed(control.subtype)
        for member in control.json.objectValue?.names ?? [] { expectNamed(member) }
    }

    @Test("Every chunk type is there, and is one that the code knows", arguments: chunkTypes)
    func chunk(_ type: String) throws {
        expectNamed(type)
        var object: JSONObject = ["type": .string(type)]
        for member in ["id", "delta", "toolCallId", "toolName", "inputTextDelta", "errorText", "approvalId"] {
            object[member] = "x"
        }
        for member in ["sourceId", "url", "mediaType", "title"] { object[member] = "x" }
        object["input"] = .null
        object["output"] = .null
        object["messageMetadata"] = .object([:])
        if case .unknown = try Chunk(json: .object(object)) { Issue.record("the code does not know '\(type)'") }
    }

    @Test("Every header of an event and of a dead letter is there")
    func headers() {
        let event = EventHeaders(
            session: "s", seq: 1, turn: 0, run: 1, requestID: "r", requestOffset: 0, traceparent: "t", control: "c")
        for header in event.encoded { expectNamed(header.name) }
        let record = KafkaRecord(
            topic: "t", partition: 0, offset: 0, timestamp: 0, key: nil, value: nil, headers: [])
        for cause in DeadLetter.Cause.allCases {
            let letter = DeadLetter(
                record: record, consumerGroup: "g", cause: cause, code: "c", message: "m", attempts: 1, turn: 0,
                checkpointRevision: 0)
            expectNamed(cause.rawValue)
            for header in letter.producerRecord(topic: "d").headers { expectNamed(header.name) }
        }
    }

    @Test("Every header of a request is there, as the code reads it")
    func requestHeaders() throws {
        let read = ["idempotency-key", "tenant", "traceparent"]
        for header in read { expectNamed(header) }
        let record = KafkaRecord(
            topic: "t", partition: 0, offset: 0, key: nil, value: Array(#"{"type":"stop"}"#.utf8),
            headers: read.map { KafkaHeader($0, "x") })
        #expect(record.tenant == "x")
        #expect(try record.decodedRequest().idempotencyKey == "x")
    }

    @Test("Every header of a request that is sent again, and of a note of it, is there")
    func redrives() {
        let redrive = Redrive(letter: "d-0-0", letterTimestamp: 0, origin: "0-0", count: 1)
        #expect(redrive.headers.map(\.name) == Redrive.Header.all)
        for header in redrive.headers { expectNamed(header.name) }
        for kind in LetterResolution.Kind.allCases {
            expectNamed(kind.rawValue)
            let note = LetterResolution(
                kind, of: LetterID(partition: 0, offset: 0), at: Timestamp(milliseconds: 0), reason: "r",
                sentTo: LetterID(partition: 0, offset: 0))
            let headers = note.record(topic: "d", key: nil).headers
            #expect(headers.map(\.name) == LetterResolution.Header.all)
            for header in headers { expectNamed(header.name) }
        }
    }

    @Test("Every header of a request that is handed over is there, and its reason")
    func forwarding() {
        let record = KafkaRecord(topic: "t", partition: 0, offset: 0, timestamp: 0, key: nil, value: nil, headers: [])
        let headers = record.forwarded(to: "other").headers
        #expect(headers.map(\.name) == Forward.Header.all)
        for header in headers { expectNamed(header.name) }
        expectNamed(Forward.outOfMemory)
    }

    @Test("Every outcome of a turn is there", arguments: TurnOutcome.allCases)
    func outcome(_ outcome: TurnOutcome) {
        expectNamed(outcome.rawValue)
    }

    @Test("Every member of a request is there")
    func requests() {
        let request = Request(
            kind: .message(.user(id: "m", text: "t")), id: "i", data: 1, idempotencyKey: "k",
            deadline: Timestamp(milliseconds: 0))
        let kinds: [Request.Kind] = [request.kind, .regenerate, .action(1), .stop(reason: "r"), .close(reason: "r")]
        for kind in kinds {
            var one = request
            one.kind = kind
            expectNamed(one.type)
            for member in one.json.objectValue?.names ?? [] { expectNamed(member) }
        }
        expectNamed("text")
    }

    private func expectNamed(_ word: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(
            Self.article.contains("`\(word)`"), "Protocol.md does not name `\(word)`", sourceLocation: sourceLocation)
    }
}
