import ChatAgent
import Conversation
import LanguageModels
import Telemetry
import Testing
import TurnHost

@Suite("Tokens that are spent twice")
struct TokensSpentTwiceTests {
    /// The process's, which can have one only: told apart by the session.
    private static let registry: MetricsRegistry = {
        let registry = MetricsRegistry(labelsConversation: true, now: { 0 })
        registry.bootstrap()
        return registry
    }()

    private static func spentTwice(_ session: String, _ type: String) -> Double? {
        let text = PrometheusText.render(registry, [], as: .plain)
        let line = text.split(separator: "\n").first {
            $0.hasPrefix("carryon_tokens_spent_twice_total") && $0.contains("\"\(session)\"")
                && $0.contains("type=\"\(type)\"")
        }
        return line.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
    }

    @Test("A call that is made again for a dead run counts, and one whose answer is gone on with does not")
    func counted() async throws {
        _ = Self.registry
        for (session, ownsHistory) in [("made-again", true), ("gone-on-with", false)] {
            let conductor = try Conductor()
            let script = "#script\nsay one two three four five"
            try await conductor.start(
                HookAgent(ownsHistory: ownsHistory), killAt: .init(step: .midStream, occurrence: 3))
            conductor.say(script, to: session, id: "u1")
            let death = try await conductor.waitForDeath()
            let agent = HookAgent(ownsHistory: ownsHistory)
            try await conductor.start(agent, death: death)
            try await conductor.finish(agent, turns: 1)
            // What comes after it is spent once.
            conductor.say(script, to: session, id: "u2")
            try await conductor.finish(agent, turns: 2)
        }
        #expect((Self.spentTwice("made-again", "input") ?? 0) > 0)
        #expect(Self.spentTwice("made-again", "output") == 5)
        #expect(Self.spentTwice("gone-on-with", "input") == nil)
        #expect(Self.spentTwice("gone-on-with", "output") == nil)
    }
}
