import Conversation
import Testing

@Suite("Questions to a history")
struct HistoryTests {
    private static func tool(
        _ state: ToolState, _ id: String, output: JSON? = nil, errorText: String? = nil, preliminary: Bool? = nil
    ) -> Part {
        .tool(
            ToolPart(
                toolCallID: id, toolName: "t-\(id)", state: state, output: output, errorText: errorText,
                preliminary: preliminary))
    }

    private static func assistant(_ id: String, _ parts: Part...) -> Message {
        Message(id: id, role: .assistant, parts: parts)
    }

    private static let user = Message.user(id: "u", text: "hi")

    @Test("The message that is answered is found by its id, else by its calls, the latest first")
    func answering() {
        let history = [
            Self.assistant("a", Self.tool(.inputAvailable, "c")), Self.user,
            Self.assistant("b", Self.tool(.inputAvailable, "c"), Self.tool(.inputAvailable, "d")),
            Self.assistant("", Self.tool(.inputAvailable, "e")),
            Message(id: "s", role: .user, parts: [Self.tool(.inputAvailable, "f")]),
        ]
        func index(_ id: String, _ calls: String..., role: Role = .assistant) -> Int? {
            let parts = calls.map { Self.tool(.outputAvailable, $0) }
            return history.indexOfMessage(answering: Message(id: id, role: role, parts: parts))
        }
        #expect(index("a") == 0)
        #expect(index("a", "d") == 0)
        #expect(index("new", "c") == 2)
        #expect(index("new", "z", "e") == 3)
        #expect(index("", "d") == 2)
        #expect(index("") == nil)
        #expect(index("u", "z") == nil)
        #expect(index("new", "f") == nil)
        #expect(index("new", "") == nil)
        #expect(index("a", role: .user) == nil)
        #expect([Message]().indexOfMessage(answering: history[0]) == nil)
    }

    @Test("S79: A pending call is still pending after the user has written, and an assistant's message clears it")
    func pending() {
        let calls = Self.assistant(
            "m", Self.tool(.inputAvailable, "a"), Self.tool(.inputStreaming, "b"),
            Self.tool(.approvalRequested, "c"), Self.tool(.approvalResponded, "d"),
            Self.tool(.outputAvailable, "e"), Self.tool(.inputAvailable, "f"), Self.tool(.inputAvailable, ""))
        let expected = ["a", "f"].map { ToolCallReference(toolCallID: $0, toolName: "t-\($0)", messageID: "m") }
        #expect([calls].pendingToolCalls == expected)
        #expect([Self.user, calls, Self.user, Self.user].pendingToolCalls == expected)
        #expect([calls, Self.assistant("n", .text("never mind"))].pendingToolCalls == [])
        #expect([Self.user].pendingToolCalls == [])
    }

    @Test("Resolved are the results and errors of the whole history")
    func resolved() {
        let history = [
            Self.assistant("m", Self.tool(.outputAvailable, "a", output: 1), Self.tool(.inputAvailable, "b")),
            Self.user,
            Self.assistant(
                "n", Self.tool(.outputError, "c", errorText: "e"), Self.tool(.outputDenied, "d"),
                Self.tool(.outputAvailable, "p", preliminary: true)),
        ]
        #expect(
            history.resolvedToolCalls == [
                ToolCallReference(toolCallID: "a", toolName: "t-a", messageID: "m"),
                ToolCallReference(toolCallID: "c", toolName: "t-c", messageID: "n"),
            ])
    }

    @Test("S80: Only a new result is reported, and only once; an error carries its text")
    func newResults() {
        let history = [
            Self.assistant("m", Self.tool(.outputAvailable, "known", output: 1), Self.tool(.inputAvailable, "new"))
        ]
        let message = Self.assistant(
            "m", Self.tool(.outputAvailable, "known", output: 9), Self.tool(.outputAvailable, "new", output: 2),
            Self.tool(.outputAvailable, "new", output: 3), Self.tool(.outputError, "bad", output: 4, errorText: "no"),
            Self.tool(.outputDenied, "denied"), Self.tool(.inputAvailable, "open"))
        let expected = [
            ToolResult(toolCallID: "new", toolName: "t-new", output: 2, errorText: nil),
            ToolResult(toolCallID: "bad", toolName: "t-bad", output: nil, errorText: "no"),
        ]
        #expect(history.newToolResults(in: message) == expected)
        var other = message
        other.role = .user
        #expect(history.newToolResults(in: other) == [])
        #expect((history + [message]).newToolResults(in: message) == [])
    }

    @Test("A summary may stand for a history in which no call waits")
    func compaction() {
        let waiting: [ToolState] = [.inputStreaming, .inputAvailable, .approvalRequested, .approvalResponded]
        for state in ToolState.allCases {
            let history = [Self.assistant("m", .text("a"), Self.tool(state, "c")), Self.user]
            #expect(history.isCompactionSafe == !waiting.contains(state), Comment(rawValue: state.rawValue))
        }
        for (state, isSafe) in [("partial-call", false), ("call", false), ("result", true)] {
            let part = Part.unknown(["type": "tool-invocation", "toolInvocation": ["state": .string(state)]])
            #expect([Self.assistant("m", part)].isCompactionSafe == isSafe, Comment(rawValue: state))
        }
        #expect([Self.assistant("m", Self.tool(.outputAvailable, "c", preliminary: true))].isCompactionSafe)
        #expect([Message]().isCompactionSafe)
    }

    @Test("Histories are cut and changed by id; an unknown or empty id changes nothing")
    func editing() {
        let history = ["a", "", "b", "c"].map { Message.user(id: $0, text: $0) }
        #expect(history.removing(id: "b").map(\.id) == ["a", "", "c"])
        #expect(history.rolledBack(toID: "b").map(\.id) == ["a", "", "b"])
        #expect(history.rolledBack(toID: "c") == history)
        let new = Message.user(id: "n", text: "new")
        #expect(history.replacing(id: "b", with: new) == [history[0], history[1], new, history[3]])
        for id in ["", "z"] {
            #expect(history.removing(id: id) == history)
            #expect(history.rolledBack(toID: id) == history)
            #expect(history.replacing(id: id, with: new) == history)
        }
    }

    @Test("A slice takes negative positions, and positions beyond either end")
    func slicing() {
        let history = ["a", "b", "c", "d"].map { Message.user(id: $0, text: $0) }
        func slice(_ start: Int, _ end: Int? = nil) -> String {
            history.sliced(from: start, to: end).map(\.id).joined()
        }
        #expect(slice(0, -2) == "ab")
        #expect(slice(-2) == "cd")
        #expect(slice(1, 3) == "bc")
        #expect(slice(-3, -1) == "bc")
        #expect(slice(1) == "bcd")
        #expect(slice(3, 1) == "")
        #expect(slice(4) == "")
        #expect(slice(.min, .max) == "abcd")
        #expect(slice(.max, .min) == "")
        #expect([Message]().sliced(from: -1, to: 5) == [])
    }
}
