import Conversation
import Testing

@Suite("Advancing a stored answer")
struct AdvancingTests {
    private static func tool(
        _ state: ToolState, id: String = "c", input: JSON? = ["q": 1], output: JSON? = nil, errorText: String? = nil,
        approval: ToolApproval? = nil, preliminary: Bool? = nil
    ) -> ToolPart {
        ToolPart(
            toolCallID: id, toolName: "t", state: state, input: input, output: output, errorText: errorText,
            approval: approval, preliminary: preliminary, callProviderMetadata: ["p": 1], unknown: ["x": 1])
    }

    private static func answer(_ parts: [ToolPart], id: String = "m") -> Message {
        Message(
            id: id, role: .assistant, metadata: ["k": 1],
            parts: [.stepStart(), .text("hm"), .reasoning(ReasoningPart("r", providerMetadata: ["s": 1]))]
                + parts.map { .tool($0) } + [.text("end")], unknown: ["u": 1])
    }

    private static func slim(_ parts: ToolPart..., id: String = "m") -> Message {
        Message(id: id, role: .assistant, parts: parts.map { .tool($0) })
    }

    private static let question = ToolApproval(id: "q", unknown: ["by": "agent"])
    private static let granted = ToolApproval(id: "q", approved: true, unknown: ["by": "agent"])
    private static let refused = ToolApproval(id: "q", approved: false, unknown: ["by": "agent"])

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let base: ToolPart
        let wire: ToolPart
        let result: ToolPart?
        var testDescription: String { name }
    }

    static let results: [Row] = [
        Row(
            name: "a result of a complete call", base: tool(.inputAvailable),
            wire: tool(.outputAvailable, input: nil, output: 7), result: tool(.outputAvailable, output: 7)),
        Row(
            name: "a result without an output", base: tool(.inputAvailable), wire: tool(.outputAvailable),
            result: tool(.outputAvailable)),
        Row(
            name: "an error of a complete call", base: tool(.inputAvailable),
            wire: tool(.outputError, errorText: "no"), result: tool(.outputError, errorText: "no")),
        Row(
            name: "an error without a text", base: tool(.inputAvailable), wire: tool(.outputError),
            result: tool(.outputError, errorText: "")),
        Row(
            name: "a result of a call that was still written", base: tool(.inputStreaming),
            wire: tool(.outputAvailable, output: 7), result: tool(.outputAvailable, output: 7)),
        Row(
            name: "a result instead of an approval", base: tool(.approvalRequested, approval: question),
            wire: tool(.outputAvailable, output: 7),
            result: tool(.outputAvailable, output: 7, approval: question)),
        Row(
            name: "a result with an approval", base: tool(.approvalRequested, approval: question),
            wire: tool(.outputAvailable, output: 7, approval: ToolApproval(id: "q", approved: true)),
            result: tool(.outputAvailable, output: 7, approval: granted)),
        Row(
            name: "a result with an approval of another question",
            base: tool(.approvalRequested, approval: question),
            wire: tool(.outputAvailable, output: 7, approval: ToolApproval(id: "z", approved: true)),
            result: tool(.outputAvailable, output: 7, approval: question)),
        Row(
            name: "a result with an approval that nobody asked for", base: tool(.inputAvailable),
            wire: tool(.outputAvailable, output: 7, approval: granted), result: tool(.outputAvailable, output: 7)),
        Row(
            name: "an error after a grant", base: tool(.approvalResponded, approval: granted),
            wire: tool(.outputError, errorText: "no", approval: refused),
            result: tool(.outputError, errorText: "no", approval: granted)),
        Row(
            name: "a result after a preliminary one",
            base: tool(.outputAvailable, output: 1, preliminary: true),
            wire: tool(.outputAvailable, output: 7), result: tool(.outputAvailable, output: 7)),
        Row(
            name: "an error after a preliminary result",
            base: tool(.outputAvailable, output: 1, preliminary: true),
            wire: tool(.outputError, errorText: "no"), result: tool(.outputError, errorText: "no")),
        Row(
            name: "a preliminary result", base: tool(.inputAvailable),
            wire: tool(.outputAvailable, output: 7, preliminary: true), result: nil),
        Row(
            name: "an answer after a preliminary result",
            base: tool(.outputAvailable, output: 1, approval: question, preliminary: true),
            wire: tool(.approvalResponded, approval: granted), result: nil),
    ]

    static let approvals: [Row] = [
        Row(
            name: "S75: a grant", base: tool(.approvalRequested, approval: question),
            wire: tool(.approvalResponded, input: nil, approval: ToolApproval(id: "q", approved: true, reason: "ok")),
            result: tool(
                .approvalResponded,
                approval: ToolApproval(id: "q", approved: true, reason: "ok", unknown: ["by": "agent"]))),
        Row(
            name: "a refusal by answer", base: tool(.approvalRequested, approval: question),
            wire: tool(.approvalResponded, approval: ToolApproval(id: "q", approved: false)),
            result: tool(.approvalResponded, approval: refused)),
        Row(
            name: "a refusal by state", base: tool(.approvalRequested, approval: question),
            wire: tool(.outputDenied, approval: ToolApproval(id: "q")), result: tool(.outputDenied, approval: refused)),
        Row(
            name: "an answer with the client's own members",
            base: tool(.approvalRequested, approval: question),
            wire: tool(
                .approvalResponded, approval: ToolApproval(id: "q", approved: true, unknown: ["by": "me", "at": 1])),
            result: tool(
                .approvalResponded,
                approval: ToolApproval(id: "q", approved: true, unknown: ["by": "agent", "at": 1]))),
        Row(
            name: "a refused call that becomes denied", base: tool(.approvalResponded, approval: refused),
            wire: tool(.outputDenied, approval: refused), result: tool(.outputDenied, approval: refused)),
        Row(
            name: "S76: a grant after a denial", base: tool(.outputDenied, approval: refused),
            wire: tool(.approvalResponded, approval: granted), result: nil),
        Row(
            name: "S76: a grant after a refusal", base: tool(.approvalResponded, approval: refused),
            wire: tool(.approvalResponded, approval: granted), result: nil),
        Row(
            name: "a denial after a grant", base: tool(.approvalResponded, approval: granted),
            wire: tool(.outputDenied, approval: refused), result: nil),
        Row(
            name: "a denial that says granted", base: tool(.approvalRequested, approval: question),
            wire: tool(.outputDenied, approval: granted), result: nil),
        Row(
            name: "a denial without an approval", base: tool(.approvalRequested, approval: question),
            wire: tool(.outputDenied), result: nil),
        Row(
            name: "a grant that nobody asked for", base: tool(.inputAvailable),
            wire: tool(.approvalResponded, approval: granted), result: nil),
        Row(
            name: "a denial that nobody asked for", base: tool(.inputAvailable),
            wire: tool(.outputDenied, approval: refused), result: nil),
        Row(
            name: "a grant of another question", base: tool(.approvalRequested, approval: question),
            wire: tool(.approvalResponded, approval: ToolApproval(id: "z", approved: true)), result: nil),
        Row(
            name: "an answer that says nothing", base: tool(.approvalRequested, approval: question),
            wire: tool(.approvalResponded, approval: question), result: nil),
        Row(
            name: "an answer without an approval", base: tool(.approvalRequested, approval: question),
            wire: tool(.approvalResponded), result: nil),
    ]

    static let ignored: [Row] = {
        let final: [ToolPart] = [
            tool(.outputAvailable, output: 1), tool(.outputError, errorText: "e"),
            tool(.outputDenied, approval: refused),
        ]
        let regressions = final.flatMap { base in
            ToolState.allCases.map { state in
                Row(
                    name: "\(state.rawValue) after \(base.state.rawValue)", base: base,
                    wire: tool(state, output: 7, errorText: "x", approval: granted), result: nil)
            }
        }
        let open: [ToolPart] = [
            tool(.inputStreaming), tool(.inputAvailable), tool(.approvalRequested, approval: question),
            tool(.approvalResponded, approval: granted),
        ]
        let agents: [ToolState] = [.inputStreaming, .inputAvailable, .approvalRequested]
        let claims = open.flatMap { base in
            agents.map { state in
                Row(
                    name: "\(state.rawValue) on \(base.state.rawValue)", base: base,
                    wire: tool(state, input: 2, output: 7, approval: ToolApproval(id: "q", approved: true)),
                    result: nil)
            }
        }
        return regressions + claims
    }()

    @Test(
        "Each state advances by the table, and nothing else of the message changes",
        arguments: results + approvals + ignored)
    func table(row: Row) {
        let other = Self.tool(.inputAvailable, id: "other")
        let base = Self.answer([other, row.base])
        let expected = row.result.map { Self.answer([other, $0]) }
        #expect(base.advanced(by: Self.slim(row.wire)) == expected)
    }

    @Test("S72: An answer with only an output keeps the stored input")
    func outputOnly() throws {
        let base = Self.answer([Self.tool(.inputAvailable)])
        let wire = try Message(
            parsing: Array(
                #"{"id":"m","role":"assistant","parts":[{"type":"tool-t","toolCallId":"c","state":"output-available","output":{"ok":true}}]}"#
                    .utf8))
        #expect(base.advanced(by: wire) == Self.answer([Self.tool(.outputAvailable, output: ["ok": true])]))
    }

    @Test("S73: An answer is attached by its call, and its own id never appears")
    func otherID() {
        let base = Self.answer([Self.tool(.inputAvailable)])
        let wire = Self.slim(Self.tool(.outputAvailable, output: 1), id: "new")
        let history = [Message.user(id: "u", text: "hi"), base, Message.user(id: "v", text: "well?")]
        #expect(history.indexOfMessage(answering: wire) == 1)
        #expect(base.advanced(by: wire)?.id == "m")
    }

    @Test("Calls that the stored message does not have are ignored, and so is everything else on the wire")
    func unknownCalls() {
        let base = Self.answer([Self.tool(.inputAvailable)])
        var wire = Self.slim(Self.tool(.outputAvailable, id: "d", output: 1), Self.tool(.outputAvailable, output: 2))
        wire.parts += [.text("I am the assistant"), .unknown(["type": "hologram"])]
        wire.metadata = ["k": 2]
        #expect(base.advanced(by: wire) == Self.answer([Self.tool(.outputAvailable, output: 2)]))
        #expect(base.advanced(by: Self.slim(Self.tool(.outputAvailable, id: "d", output: 1))) == nil)
        #expect(base.advanced(by: Self.slim()) == nil)
    }

    @Test("Of the same call twice on the wire the first that advances counts")
    func twice() {
        let base = Self.answer([Self.tool(.inputAvailable)])
        let wire = Self.slim(
            Self.tool(.approvalResponded, approval: Self.granted), Self.tool(.outputAvailable, output: 1),
            Self.tool(.outputAvailable, output: 2))
        #expect(base.advanced(by: wire) == Self.answer([Self.tool(.outputAvailable, output: 1)]))
    }

    @Test("An id that the provider used again means the latest call")
    func reusedID() {
        let earlier = Self.tool(.inputAvailable, input: 1)
        let base = Self.answer([earlier, Self.tool(.inputAvailable, input: 2)])
        let wire = Self.slim(Self.tool(.outputAvailable, output: 7))
        #expect(base.advanced(by: wire) == Self.answer([earlier, Self.tool(.outputAvailable, input: 2, output: 7)]))
        let settled = Self.answer([earlier, Self.tool(.outputAvailable, output: 1)])
        #expect(settled.advanced(by: wire) == nil)
    }

    @Test("Only assistant's messages advance, and only by assistant's messages")
    func roles() {
        let wire = Self.slim(Self.tool(.outputAvailable, output: 1))
        for role in [Role.user, .system] {
            var base = Self.answer([Self.tool(.inputAvailable)])
            base.role = role
            #expect(base.advanced(by: wire) == nil)
            var other = wire
            other.role = role
            #expect(Self.answer([Self.tool(.inputAvailable)]).advanced(by: other) == nil)
        }
    }

    @Test("A call without an id cannot be answered")
    func emptyID() {
        let base = Self.answer([Self.tool(.inputAvailable, id: "")])
        #expect(base.advanced(by: Self.slim(Self.tool(.outputAvailable, id: "", output: 1))) == nil)
    }

    @Test("Thousands of answers at once take no time to speak of", .timeLimit(.minutes(1)))
    func large() throws {
        let ids = (0..<10_000).map { "call\($0)" }
        let base = Self.answer(ids.map { Self.tool(.inputAvailable, id: $0) })
        var wire = Self.slim()
        wire.parts = ids.reversed().map { .tool(Self.tool(.outputAvailable, id: $0, output: 1)) }
        // The same call again and again must not be tried for every part either.
        wire.parts += (0..<10_000).map { _ in .tool(Self.tool(.inputAvailable, id: "call0")) }
        var advanced: Message?
        let time = ContinuousClock().measure { advanced = base.advanced(by: wire) }
        let result = try #require(advanced)
        #expect([result].resolvedToolCalls.map(\.toolCallID) == ids)
        // Quadratic would be a hundred million steps: minutes in a debug build.
        #expect(time < .seconds(5))
    }
}
