import Conversation
import Testing

@Suite("Repair of a partial answer")
struct RepairTests {
    private static func tool(_ state: ToolState, preliminary: Bool? = nil) -> Part {
        .tool(ToolPart(toolCallID: "c", toolName: "t", isDynamic: false, state: state, preliminary: preliminary))
    }

    private static func dynamic(_ state: ToolState) -> Part {
        .tool(ToolPart(toolCallID: "c", toolName: "t", isDynamic: true, state: state))
    }

    private static func legacy(_ state: String) -> Part {
        .unknown(["type": "tool-invocation", "toolInvocation": ["state": .string(state)]])
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let part: Part
        let result: Part?
        var testDescription: String { name }

        static func kept(_ name: String, _ part: Part) -> Row { Row(name: name, part: part, result: part) }
        static func removed(_ name: String, _ part: Part) -> Row { Row(name: name, part: part, result: nil) }
    }

    static let rows: [Row] = [
        .kept("text without state", .text("a")),
        .kept("text done", .text(TextPart("a", state: .done))),
        Row(
            name: "text streaming", part: .text(TextPart("so f", state: .streaming)),
            result: .text(TextPart("so f", state: .done))),
        .kept("reasoning done", .reasoning(ReasoningPart("a", state: .done))),
        Row(
            name: "reasoning streaming",
            part: .reasoning(ReasoningPart("hm", state: .streaming, providerMetadata: ["s": 1])),
            result: .reasoning(ReasoningPart("hm", state: .done, providerMetadata: ["s": 1]))),
        .removed("input-streaming", tool(.inputStreaming)),
        .removed("input-available", tool(.inputAvailable)),
        .removed("dynamic input-streaming", dynamic(.inputStreaming)),
        .removed("dynamic input-available", dynamic(.inputAvailable)),
        .removed("legacy partial-call", legacy("partial-call")),
        .removed("legacy call", legacy("call")),
        .kept("legacy result", legacy("result")),
        .kept("approval-requested", tool(.approvalRequested)),
        .kept("approval-responded", tool(.approvalResponded)),
        .kept("output-available", tool(.outputAvailable)),
        .kept("preliminary output", tool(.outputAvailable, preliminary: true)),
        .kept("output-error", tool(.outputError)),
        .kept("output-denied", dynamic(.outputDenied)),
        .kept("file", .file(FilePart(mediaType: "a/b", url: "u"))),
        .kept("source-url", .sourceURL(SourceURLPart(sourceID: "s", url: "u"))),
        .kept("source-document", .sourceDocument(SourceDocumentPart(sourceID: "s", mediaType: "a/b", title: "t"))),
        .kept("data", .data(DataPart(name: "d", data: 1))),
        .removed("transient data", .data(DataPart(name: "d", data: 1, unknown: ["transient": true]))),
        .kept("step-start", .stepStart()),
        .kept("unknown part", .unknown(["type": "hologram"])),
    ]

    @Test("Each kind of part is kept or dropped by the table", arguments: rows)
    func table(row: Row) {
        let alone = Message(id: "m", role: .assistant, metadata: 1, parts: [row.part], unknown: ["x": 1])
        #expect(alone.repaired()?.parts == row.result.map { [$0] })
        let among = Message(id: "m", role: .assistant, metadata: 1, parts: [.text("a"), row.part, .text("z")])
        var expected = among
        expected.parts = [.text("a")] + [row.result].compactMap { $0 } + [.text("z")]
        #expect(among.repaired() == expected)
    }

    @Test("A message without parts is nothing")
    func empty() {
        #expect(Message(id: "m", role: .assistant).repaired() == nil)
    }

    @Test("A lone step boundary survives, as an answer without content")
    func loneStep() throws {
        let partial = Message(id: "m", role: .assistant, parts: [.stepStart(), Self.tool(.inputAvailable)])
        let repaired = try #require(partial.repaired())
        #expect(repaired.parts == [.stepStart()])
        #expect(!repaired.hasContent)
    }

    @Test("Repairing twice changes nothing more", arguments: UInt64(0)..<40)
    func idempotent(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<20 {
            let repaired = random.message().repaired()
            #expect(repaired?.repaired() == repaired, Comment(rawValue: "seed \(seed)"))
        }
    }
}
