import Conversation
import Testing

@Suite("Messages")
struct MessageTests {
    @Test("A message survives a round trip, with what this library does not know", arguments: UInt64(0)..<60)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let message = random.message()
            #expect(try Message(json: message.json) == message, Comment(rawValue: "seed \(seed)"))
            #expect(try Message(parsing: message.serialized()) == message, Comment(rawValue: "seed \(seed)"))
            #expect(try JSON(parsing: message.serialized()) == message.json, Comment(rawValue: "seed \(seed)"))
        }
    }

    @Test("A message of the AI SDK is read member by member")
    func read() throws {
        let json = try JSON(
            parsing: """
                {"id":"m","role":"assistant","metadata":null,"parts":[
                {"type":"step-start"},
                {"type":"reasoning","text":"hm","state":"done","providerMetadata":{"p":{"signature":"s"}}},
                {"type":"tool-search","toolCallId":"c","state":"approval-requested","input":{"q":1},"approval":{"id":"a"}},
                {"type":"dynamic-tool","toolName":"x","toolCallId":"d","state":"output-available","output":null},
                {"type":"data-plan","id":"7","data":[1]},
                {"type":"tool-invocation","toolInvocation":{"state":"call"}},
                {"type":"tool-invocation","toolCallId":"e","state":"input-available"},
                {"type":"text","text":"hi","colour":"red"}],"createdAt":5}
                """)
        let message = try Message(json: json)
        let expected = Message(
            id: "m", role: .assistant, metadata: .null,
            parts: [
                .stepStart(),
                .reasoning(ReasoningPart("hm", state: .done, providerMetadata: ["p": ["signature": "s"]])),
                .tool(
                    ToolPart(
                        toolCallID: "c", toolName: "search", state: .approvalRequested, input: ["q": 1],
                        approval: ToolApproval(id: "a"))),
                .tool(
                    ToolPart(
                        toolCallID: "d", toolName: "x", isDynamic: true, state: .outputAvailable, output: .null)),
                .data(DataPart(name: "plan", id: "7", data: [1])),
                .unknown(["type": "tool-invocation", "toolInvocation": ["state": "call"]]),
                .tool(ToolPart(toolCallID: "e", toolName: "invocation", state: .inputAvailable)),
                .text(TextPart("hi", unknown: ["colour": "red"])),
            ],
            unknown: ["createdAt": 5])
        #expect(message == expected)
        #expect(message.json == json)
        #expect(message.text == "hi")
    }

    @Test(
        "A member of the wrong type is named by its path",
        arguments: [
            ("[]", ""), (#"{"role":"user","parts":[]}"#, "id"), (#"{"id":1,"role":"user","parts":[]}"#, "id"),
            (#"{"id":"m","role":"robot","parts":[]}"#, "role"), (#"{"id":"m","role":"user"}"#, "parts"),
            (#"{"id":"m","role":"user","parts":{}}"#, "parts"), (#"{"id":"m","role":"user","parts":[1]}"#, "parts[0]"),
            (#"{"id":"m","role":"user","parts":[{}]}"#, "parts[0].type"),
            (#"{"id":"m","role":"user","parts":[{"type":"step-start"},{"type":"text"}]}"#, "parts[1].text"),
            (#"{"id":"m","role":"user","parts":[{"type":"text","text":"","state":"odd"}]}"#, "parts[0].state"),
            (#"{"id":"m","role":"user","parts":[{"type":"tool-x","toolCallId":"c","state":"odd"}]}"#, "parts[0].state"),
            (
                #"{"id":"m","role":"user","parts":[{"type":"tool-x","toolCallId":"c","state":"output-denied","approval":{"id":"a","approved":1}}]}"#,
                "parts[0].approval.approved"
            ),
        ])
    func wrongTypes(text: String, path: String) {
        let error = #expect(throws: ConversationError.self) { try Message(parsing: Array(text.utf8)) }
        #expect(error?.path == path)
    }

    @Test("Pending calls are those with a complete call, no result and an id, by their raw index")
    func pendingToolCalls() {
        func tool(_ id: String, _ state: ToolState) -> Part {
            .tool(ToolPart(toolCallID: id, toolName: "t", state: state, input: ["q": .string(id)]))
        }
        let message = Message(
            id: "m", role: .assistant,
            parts: [.text("x"), tool("a", .inputAvailable), tool("", .inputAvailable)]
                + ToolState.allCases.filter { $0 != .inputAvailable }.map { tool("s-" + $0.rawValue, $0) }
                + [tool("b", .inputAvailable)])
        #expect(message.pendingToolCalls.map(\.toolCallID) == ["a", "b"])
        #expect(message.pendingToolCalls.map(\.partIndex) == [1, 9])
        #expect(message.pendingToolCalls.first?.input == ["q": "a"])
    }

    @Test("Step boundaries alone are no content")
    func hasContent() {
        #expect(!Message(id: "m", role: .assistant, parts: [.stepStart(), .stepStart()]).hasContent)
        #expect(!Message(id: "m", role: .assistant).hasContent)
        #expect(Message(id: "m", role: .assistant, parts: [.stepStart(), .text("")]).hasContent)
    }
}
