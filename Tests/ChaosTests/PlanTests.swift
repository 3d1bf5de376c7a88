import Conversation
import LanguageModels
import Synchronization
import TestSupport
import Testing

@testable import carryon_chaos

@Suite("The plans of a chaos run")
struct PlanTests {
    @Test("One seed has one plan, and another has another")
    func seeds() {
        #expect(
            ConversationPlan(seed: 7, sessions: 20, turns: 5) == ConversationPlan(seed: 7, sessions: 20, turns: 5))
        #expect(
            ConversationPlan(seed: 7, sessions: 20, turns: 5) != ConversationPlan(seed: 8, sessions: 20, turns: 5))
        func faults(_ seed: UInt64) -> FaultPlan {
            FaultPlan(seed: seed, milliseconds: 60_000, workers: 4, lightEvery: 2_000, heavyEvery: 9_000)
        }
        #expect(faults(7) == faults(7))
        #expect(faults(7) != faults(8))
        #expect(faults(7).moments.count >= 35)
        #expect(faults(7).moments.allSatisfy { (0..<62_000).contains($0.at) })
    }

    @Test("Even a small plan has some of every kind of step, and regenerates ordinary answers alone")
    func kinds() {
        for seed in 0..<20 as Range<UInt64> {
            let steps = ConversationPlan(seed: seed, sessions: 40, turns: 5).sessions.flatMap(\.steps)
            func has(_ isKind: (Step) -> Bool) -> Bool { steps.contains(where: isKind) }
            #expect(has { if case .poison = $0 { true } else { false } }, "seed \(seed)")
            #expect(
                has { if case .message(let text) = $0 { text.contains("allocate") } else { false } }, "seed \(seed)")
            #expect(has { if case .message(let text) = $0 { text.contains("crash") } else { false } }, "seed \(seed)")
            #expect(has { if case .approval = $0 { true } else { false } }, "seed \(seed)")
            for session in ConversationPlan(seed: seed, sessions: 40, turns: 5).sessions {
                for (before, step) in zip([nil] + session.steps, session.steps) where step == .regenerate {
                    guard case .message(let text) = before else {
                        Issue.record(
                            "seed \(seed): \(session.id) regenerates the answer to \(String(describing: before))")
                        continue
                    }
                    #expect(!text.contains("\ntool "))
                }
            }
        }
    }

    @Test("The ledger's reading of a program says what the scripted model says")
    func expectedAnswers() async throws {
        let seed = testSeed()
        for session in ConversationPlan(seed: seed, sessions: 30, turns: 6).sessions {
            for case .message(let text) in session.steps where !text.contains("\nallocate") {
                let question = Message.user(id: "q", text: text)
                let model = ScriptedModel(faultInjection: true, clock: NoPauses(), kill: { _ in })
                var answer = Answer()
                var continuation: Message?
                // Each pass goes on behind a call, which is done.
                for _ in 0..<10 {
                    let chunks = Mutex<[Chunk]>([])
                    let response = try await model.generate(
                        ModelRequest(messages: [question], continuation: continuation)
                    ) { chunk in chunks.withLock { $0.append(chunk) } }
                    answer.apply(chunks.withLock { $0 })
                    for call in answer.calls {
                        answer.setState(ofCall: call.id, .done(ExpectedAnswer.output(of: call.id)))
                    }
                    guard response.finishReason == .toolCalls else { break }
                    continuation = Message(id: "a", role: .assistant, parts: answer.parts)
                }
                let expected = ExpectedAnswer.to(text, messageID: "q", promptCount: 1)
                #expect(answer == expected, "CARRYON_TEST_SEED=\(seed)")
            }
        }
    }
}

/// A clock on which every wait is over at once.
private struct NoPauses: Clock {
    typealias Instant = ContinuousClock.Instant

    var now: Instant { .now }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
}

extension Answer {
    /// As a message that a model goes on with has it.
    fileprivate var parts: [Part] {
        pieces.map { piece in
            switch piece {
            case .text(let text): .text(text)
            case .reasoning(let text): .reasoning(text)
            case .call(let call):
                .tool(
                    ToolPart(
                        toolCallID: call.id, toolName: call.tool, state: .outputAvailable, input: call.input,
                        output: ExpectedAnswer.output(of: call.id)))
            }
        }
    }
}
