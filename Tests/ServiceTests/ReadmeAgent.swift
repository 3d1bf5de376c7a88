import ChatAgent
import Foundation
import LanguageModels
import Testing

struct Concierge: ChatAgent {
    static let turnsHere = LocalsKey<Int>("turns-here")

    let name = "concierge"
    let model: any LanguageModel

    func onTurnStart(_ event: TurnStartEvent) async throws {
        let locals = event.identity.locals
        locals[Self.turnsHere] = (locals[Self.turnsHere] ?? 0) + 1
    }

    func run(_ turn: Turn) async throws {
        try await turn.respond(with: model, system: "You are the concierge of a small hotel.")
    }
}

@Suite("The README's agent")
struct ReadmeAgentTests {
    @Test("The agent in the README is the one above, which compiles")
    func example() throws {
        let file = URL(fileURLWithPath: #filePath)
        let source = try String(contentsOf: file, encoding: .utf8)
        let root = file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
        let agent = source.components(separatedBy: "\n\n@Suite").first?.components(separatedBy: "import Testing\n\n")
            .last
        let text = try #require(agent)
        #expect(text.hasPrefix("struct Concierge"))
        #expect(readme.contains(text), "the README does not show:\n\(text)")
    }
}
