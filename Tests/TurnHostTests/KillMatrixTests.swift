import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("A host killed at every step of a turn")
struct KillMatrixTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var kill: RunningHost.Kill
        var isRegenerate: Bool
        var isSeen: Bool

        var testDescription: String {
            "\(isRegenerate ? "regenerate" : "message") killed at \(kill), \(isSeen ? "seen" : "not seen")"
        }
    }

    static let cases: [Case] = TurnStep.allCases.filter { !$0.isOfTools }.flatMap { step in
        (step == .midStream ? [1, 2, 4] : [1]).flatMap { occurrence in
            [false, true].flatMap { isRegenerate in
                [false, true].map { isSeen in
                    Case(kill: .init(step: step, occurrence: occurrence), isRegenerate: isRegenerate, isSeen: isSeen)
                }
            }
        }
    }

    static let question = "#script\nreason thinking it over\nsay one two three four five"

    @Test(
        "Invariant 2: Whatever step kills a host, the next one brings the turn to the end that it would have had",
        arguments: cases)
    func killAndGoOn(_ test: Case) async throws {
        let expected = try await Self.uninterrupted(test)
        let conductor = try Conductor()
        if test.isRegenerate {
            try await conductor.start()
            conductor.say(Self.question, id: "u1")
            try await conductor.finish()
            try await conductor.revoke()
        }
        let first = RecordingAgent()
        try await conductor.start(first, killAt: test.kill)
        if test.isRegenerate { conductor.send(.regenerate) } else { conductor.say(Self.question, id: "u1") }
        let death = try await conductor.waitForDeath()
        let turn = test.isRegenerate ? 1 : 0
        if test.kill.step == .inSettle {
            // The transaction that the host died in is committed all the same: only the answer never came.
            try await waitFor { try await conductor.store.loadSession("s").map { $0.turns > turn } ?? false }
        }
        let settled = try await conductor.store.loadSession("s").map { $0.turns > turn } ?? false
        let second = RecordingAgent()
        try await conductor.start(second, death: test.isSeen ? death : nil)
        try await conductor.finish()

        #expect(try await conductor.history() == expected.history)
        let view = conductor.view()
        #expect(view.isGapless)
        #expect(try view.answer(turn: turn) == expected.answer)
        #expect(view.completes.map(\.turn) == Array(0...turn))
        #expect(view.completes.map(\.outcome).allSatisfy { $0 == .completed })
        #expect(
            second.journal.calls(of: "s", turn: turn) == 0 || !settled, "the model was asked again for a settled turn")
        #expect(first.journal.completes.count + second.journal.completes.count <= 1)
        switch test.kill.step {
        case .inSettle, .afterSettle, .beforeCommit, .afterComplete: #expect(settled)
        default: #expect(!settled)
        }
    }

    private static func uninterrupted(_ test: Case) async throws -> (history: [Message], answer: Message) {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.say(question, id: "u1")
        if test.isRegenerate { conductor.send(.regenerate) }
        try await conductor.finish()
        return (try await conductor.history(), try conductor.view().answer(turn: test.isRegenerate ? 1 : 0))
    }

    @Test("A host killed again and again goes on with the same answer", arguments: 1...4)
    func killedRepeatedly(occurrence: Int) async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.crashAttempts = 100
        }
        conductor.say("#script\ntokens 12", id: "u1")
        var death: HostDeath?
        for _ in 0..<20 {
            try await conductor.start(killAt: .init(step: .midStream, occurrence: occurrence), death: death)
            let host = try #require(conductor.host)
            try await waitFor { host.lifeline.isCut || conductor.settledOffsets == [0] }
            if conductor.settledOffsets == [0] { break }
            death = conductor.kill()
        }
        try await conductor.finish()
        let view = conductor.view()
        #expect(view.isGapless)
        #expect(try view.answer(turn: 0).text == (1...12).map(String.init).joined(separator: " "))
        #expect(try await conductor.history().count == 2)
    }
}
