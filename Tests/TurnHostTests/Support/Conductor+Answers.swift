import ChatAgent
import Conversation
import TurnHost

extension Conductor {
    /// Sends the slim assistant's message that answers calls.
    @discardableResult
    func answer(_ parts: [ToolPart], of message: String, deadline: Timestamp? = nil) -> Int64 {
        let message = Message(id: message, role: .assistant, parts: parts.map(Part.tool))
        return send([Request(kind: .message(message), deadline: deadline)])
    }

    /// Answers a call with an output.
    @discardableResult
    func answer(_ call: String, _ output: JSON, tool: String = "ask", of message: String = "s-answer-0") -> Int64 {
        answer([.output(call, output, tool: tool)], of: message)
    }

    /// Answers the question whether a call may be made.
    @discardableResult
    func allow(
        _ call: String, _ isAllowed: Bool = true, tool: String = "echo", of message: String = "s-answer-0"
    ) -> Int64 {
        answer([.approval(call, isAllowed, tool: tool)], of: message)
    }

    /// Whether the process of the host that was started as number `index`, from 0, is there to do anything.
    func isAlive(_ index: Int) -> Bool {
        let hosts = hosts
        return index >= hosts.count || !hosts[index].lifeline.isCut
    }
}

extension ToolPart {
    static func output(_ call: String, _ output: JSON, tool: String = "ask") -> ToolPart {
        ToolPart(toolCallID: call, toolName: tool, state: .outputAvailable, output: output)
    }

    static func approval(_ call: String, _ isAllowed: Bool, tool: String = "echo") -> ToolPart {
        ToolPart(
            toolCallID: call, toolName: tool, state: .approvalResponded,
            approval: ToolApproval(id: "approval-\(call)", approved: isAllowed, reason: isAllowed ? nil : "not today"))
    }
}

extension ReaderView {
    /// The message that the turns up to `turn` amount to, put together strictly: each goes on with what the one before
    /// it left, and `answers` are what a client has put into it in between.
    func message(turns: [Int], answers: [Message?] = []) throws -> Message {
        var message: Message?
        for (index, turn) in turns.enumerated() {
            if index > 0, index <= answers.count, let answer = answers[index - 1] {
                message = message?.advanced(by: answer) ?? message
            }
            var assembler = MessageAssembler(continuing: message)
            for chunk in chunks(turn: turn) { try assembler.apply(chunk) }
            message = assembler.message
        }
        return message ?? Message(id: "", role: .assistant)
    }
}
