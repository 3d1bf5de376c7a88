import CarryonService
import ChatAgent
import Foundation
import Testing

@Suite("The article about agents without code")
struct AgentArticleTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The first piece of YAML in a text of the repository.
    private func example(in path: String) throws -> String {
        let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
        let pieces = text.components(separatedBy: "```yaml\n")
        return try #require(pieces.dropFirst().first?.components(separatedBy: "```").first)
    }

    @Test("Its example is an agent's file, and says what its keys are for")
    func article() throws {
        let yaml = try example(in: "Sources/CarryonService/CarryonService.docc/AgentFile.md")
        let agent = try readAgent(
            yaml, environment: ["HOTEL_KEY": "key"],
            files: [
                "etc/concierge.md": "Be kind.", "/run/secrets/partner": "partner",
                "etc/schemas/choice.json": #"{"type": "object"}"#,
            ])
        #expect(agent.tools.map(\.name) == ["book_room", "ask_guest"])
        #expect(agent.onBusy == .steer)
    }

    @Test("The README's example is an agent's file")
    func readme() throws {
        let agent = try readAgent(try example(in: "README.md"), environment: ["HOTEL_KEY": "key"])
        #expect(agent.tools.map(\.name) == ["book_room"])
    }

    @Test("Every key that is accepted is in the article's tables, and nothing else")
    func keys() throws {
        let path = "Sources/CarryonService/CarryonService.docc/AgentFile.md"
        let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
        let rows = text.components(separatedBy: "\n").filter { $0.hasPrefix("| `") }
        let documented = rows.flatMap { row in
            row.components(separatedBy: "|")[1].split(separator: ",").map { $0.trimming { " `".contains($0) } }
        }
        var accepted: [String] = []
        for yaml in ["x: 1", "tools: [{x: 1}]", "tools: [{name: a, description: b, input: true, http: {x: 1}}]"] {
            let error = #expect(throws: AgentFileError.self) { try readAgent(yaml) }
            let keys = error?.message.components(separatedBy: "the keys ").last?.components(separatedBy: ", ")
            accepted += keys ?? []
        }
        #expect(documented.sorted() == accepted.sorted())
    }
}

extension Substring {
    fileprivate func trimming(_ isDropped: (Character) -> Bool) -> String {
        let start = drop(while: isDropped)
        guard let end = start.lastIndex(where: { !isDropped($0) }) else { return "" }
        return String(start[...end])
    }
}
