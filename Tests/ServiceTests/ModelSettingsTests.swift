import CarryonService
import Foundation
import LanguageModels
import Testing

@Suite("Settings: the language model")
struct ModelSettingsTests {
    private func model(
        _ arguments: [String], environment: [String: String] = [:], agent: String? = nil
    ) throws -> any LanguageModel {
        let file = try agent.map { choice in
            try AgentFile.read(path: "agent.yaml", environment: [:]) { _ in "model: \(choice)" }
        }
        return try resolveSettings(arguments).makeModel(file, environment: environment)
    }

    @Test("The setting names the model, and wins over the agent's file")
    func choice() throws {
        #expect(try model([]).name == "scripted")
        let local = ["--model-url", "http://127.0.0.1:1/v1"]
        #expect(try model(local + ["--model", "openai:qwen2.5:7b"]).name == "openai:qwen2.5:7b")
        #expect(try model(local + ["--model", "anthropic:claude"]).name == "anthropic:claude")
        #expect(try model(local, agent: "openai:gpt").name == "openai:gpt")
        #expect(try model(local + ["--model", "scripted"], agent: "openai:gpt").name == "scripted")
    }

    @Test(
        "A provider's own address wants a key, which may come from the provider's own variable",
        arguments: [("openai:m", "OPENAI_API_KEY"), ("anthropic:m", "ANTHROPIC_API_KEY")])
    func key(choice: String, variable: String) throws {
        let failure = #expect(throws: (any Error).self) { try model(["--model", choice]) }
        #expect(failure.map { "\($0)" }?.contains(variable) == true)
        #expect(throws: (any Error).self) { try model(["--model", choice], environment: [variable: ""]) }
        #expect(try model(["--model", choice], environment: [variable: "k"]).name == choice)
        #expect(try model(["--model", choice, "--model-key", "k"]).name == choice)
        let malformed = #expect(throws: (any Error).self) {
            try model(["--model", choice], environment: [variable: "a SECRET"])
        }
        #expect(malformed.map { "\($0)" }?.contains("SECRET") == false)
    }

    @Test("The article has every setting of the model, and a default that is one")
    func article() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = "Sources/CarryonService/CarryonService.docc/LanguageModels.md"
        let lines = try String(contentsOf: root.appending(path: path), encoding: .utf8).components(separatedBy: "\n")
        let documented = lines.filter { $0.hasPrefix("| `CARRYON_") }.map { row in
            row.components(separatedBy: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
        let settings = Setting.all.filter { $0.name == "model" || $0.name.hasPrefix("model-") }
        #expect(Set(documented.map { $0[1] }) == Set(settings.map { "`\($0.variable)`" }))
        let defaults = Settings().describe()
        for row in documented where row[3].wholeMatch(of: /[0-9]+s/) != nil {
            #expect(defaults.first { "`\($0.name)`" == row[1] }?.value == row[3].replacing("60s", with: "1m"), "\(row)")
        }
    }
}
