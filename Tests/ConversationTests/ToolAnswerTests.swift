import Conversation
import Testing

@Suite("Answers to calls of tools")
struct ToolAnswerTests {
    private static func asked(_ state: ToolState, _ approval: ToolApproval? = nil) -> Message {
        let call = ToolPart(
            toolCallID: "c", toolName: "refund", state: state, input: ["amount": 5], approval: approval)
        return Message(id: "m", role: .assistant, parts: [.tool(call)])
    }

    private static func call(_ message: Message?) throws -> ToolPart {
        guard case .tool(let call)? = message?.parts.first else { throw ToolIsMissing() }
        return call
    }

    private struct ToolIsMissing: Error {}

    @Test("A slim answer that names neither message nor tool is taken for the call it is for")
    func answers() throws {
        let stored = Self.asked(.inputAvailable)
        let wire = Message.toolAnswer(.output(callID: "c", ["ok": true]))
        #expect([stored].indexOfMessage(answering: wire) == 0)
        let advanced = try Self.call(stored.advanced(by: wire))
        #expect(advanced.state == .outputAvailable && advanced.output == ["ok": true])
        #expect(advanced.toolName == "refund" && !advanced.isDynamic && advanced.input == ["amount": 5])
        let failed = try Self.call(stored.advanced(by: .toolAnswer(.error(callID: "c", "no"))))
        #expect(failed.state == .outputError && failed.errorText == "no")
    }

    @Test("An approval is given under the id that the service asks with", arguments: [true, false])
    func approvals(isGranted: Bool) throws {
        let stored = Self.asked(.approvalRequested, ToolApproval(id: ToolApproval.id(ofCall: "c")))
        let wire = Message.toolAnswer(.approval(callID: "c", isGranted: isGranted, reason: "because"))
        let advanced = try Self.call(stored.advanced(by: wire))
        #expect(advanced.state == .approvalResponded)
        #expect(advanced.approval?.approved == isGranted)
        #expect(advanced.approval?.reason == "because")
    }

    @Test("The message reads back from a request as it was written, but for the id that it is given")
    func request() throws {
        let wire = Message.toolAnswer(.output(callID: "c", 1), .error(callID: "d", "no"))
        let value = JSON.object(["type": "message", "message": wire.json]).serialized()
        let read = try Request.decode(value: value, idempotencyKeyHeader: nil, fallbackMessageID: "3-7")
        var expected = wire
        expected.id = "3-7"
        #expect(read.kind == .message(expected))
    }
}
