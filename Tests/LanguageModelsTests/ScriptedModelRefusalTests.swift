import LanguageModels
import Testing

@Suite("Scripted model: malformed programs")
struct ScriptedModelRefusalTests {
    @Test(
        "A malformed step is refused with its line and what it accepts, before anything is said",
        arguments: [
            "shout HELLO", "say", "reason  ", "tokens", "tokens 0", "tokens x", "tokens 5 20", "tokens 5 1s more",
            "tokens 1000001", "tool", "tool name", "tool name {", "tool name {} {}", "sleep", "sleep 5", "sleep -1s",
            "prompt now", "fail", "fail slowly", "crash", "crash LOUDLY", "crash SEGV 2", "crash SEGV upto x",
            "crash SEGV upto -1", "crash SEGV upto 1 2", "allocate", "allocate much", "allocate 1MB below 2",
        ])
    func malformed(step: String) async throws {
        let model = ScriptedModel(faultInjection: true) { _ in Issue.record("a malformed program killed") }
        let error = await #expect(throws: ModelError.self) {
            try await model.call("#script\nsay a\n\n\(step)\nsay b")
        }
        let message = try #require(error?.message)
        #expect(error?.code == .invalidRequest)
        #expect(message.hasPrefix("line 4 of the script is malformed; it accepts "), "\(message)")
        let keyword = step.prefix { $0 != " " }
        #expect(message.contains(keyword == "shout" ? "one of the steps say, tokens" : keyword), "\(message)")
        #expect(!message.contains("HELLO"))
    }

    @Test(
        "Faults are refused where fault injection is off, also in runs that they spare",
        arguments: ["crash SEGV", "crash SEGV upto 0", "allocate 1GiB", "allocate 1B upto 0"])
    func faultInjectionOff(step: String) async {
        let error = await #expect(throws: ModelError.self) {
            try await ScriptedModel(faultInjection: false) { _ in Issue.record("killed") }.call("#script\n\(step)")
        }
        #expect(error?.code == .invalidRequest)
        #expect(error?.message.contains("line 2") == true)
        #expect(error?.message.contains("fault injection is off") == true)
    }
}
