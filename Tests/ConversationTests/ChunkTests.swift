import Conversation
import Testing

@Suite("Chunks")
struct ChunkTests {
    @Test("A chunk survives a round trip, with what this library does not know", arguments: UInt64(0)..<60)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let chunk = random.chunk()
            let bytes = chunk.serialized()
            #expect(try Chunk(parsing: bytes) == chunk, Comment(rawValue: "seed \(seed)"))
            #expect(try Chunk(json: chunk.json) == chunk, Comment(rawValue: "seed \(seed)"))
            #expect(try JSON(parsing: bytes) == chunk.json, Comment(rawValue: "seed \(seed)"))
            #expect(chunk.json["type"] == .string(chunk.type), Comment(rawValue: "seed \(seed)"))
        }
    }

    @Test(
        "Chunks are written as the AI SDK writes them",
        arguments: [
            (.start(messageID: "m"), #"{"type":"start","messageId":"m"}"#),
            (.startStep(), #"{"type":"start-step"}"#),
            (.textDelta(id: "t1", delta: "a\"b"), #"{"type":"text-delta","id":"t1","delta":"a\"b"}"#),
            (.reasoningEnd(id: "r"), #"{"type":"reasoning-end","id":"r"}"#),
            (
                .toolInputAvailable(toolCallID: "c", toolName: "n", input: ["q": 1], dynamic: true),
                #"{"type":"tool-input-available","toolCallId":"c","toolName":"n","input":{"q":1},"dynamic":true}"#
            ),
            (
                .toolApprovalRequest(approvalID: "a", toolCallID: "c"),
                #"{"type":"tool-approval-request","approvalId":"a","toolCallId":"c"}"#
            ),
            (.toolOutputDenied(toolCallID: "c"), #"{"type":"tool-output-denied","toolCallId":"c"}"#),
            (
                .data(name: "plan", id: "1", data: .null, transient: true),
                #"{"type":"data-plan","id":"1","data":null,"transient":true}"#
            ),
            (.finish(finishReason: .toolCalls), #"{"type":"finish","finishReason":"tool-calls"}"#),
            (.abort(), #"{"type":"abort"}"#),
            (.unknown(["type": "hologram", "x": 1]), #"{"type":"hologram","x":1}"#),
        ] as [(Chunk, String)])
    func written(chunk: Chunk, text: String) throws {
        #expect(String(decoding: chunk.serialized(), as: UTF8.self) == text)
        #expect(try Chunk(parsing: Array(text.utf8)) == chunk)
    }

    @Test(
        "What is no chunk is refused, naming the member",
        arguments: [
            ("1", ""), ("null", ""), (#""text-delta""#, ""), ("{}", "type"), (#"{"type":7}"#, "type"),
            (#"{"type":"text-delta","id":"a"}"#, "delta"), (#"{"type":"text-delta","id":1,"delta":""}"#, "id"),
            (#"{"type":"data-x"}"#, "data"), (#"{"type":"finish","finishReason":1}"#, "finishReason"), ("{", ""),
        ])
    func refused(text: String, path: String) {
        let error = #expect(throws: ConversationError.self) { try Chunk(parsing: Array(text.utf8)) }
        #expect(error?.path == path)
    }

    @Test("A finish reason that is not known is other")
    func unknownFinishReason() throws {
        let chunk = try Chunk(json: ["type": "finish", "finishReason": "bored"])
        #expect(chunk == .finish(finishReason: .other))
    }

    @Test("Usages are added count by count, and an absent count is no zero")
    func usage() throws {
        let one = try Usage(json: ["inputTokens": 3, "totalTokens": 5, "cached": 1])
        #expect(
            one.adding(Usage(inputTokens: 4, outputTokens: 2)).json
                == ["inputTokens": 7, "outputTokens": 2, "totalTokens": 5, "cached": 1])
        #expect(Usage(inputTokens: .max).adding(Usage(inputTokens: 1)).inputTokens == .max)
    }
}
