import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import TestSupport
import Testing
import TurnHost

@Suite("Random histories on two sides")
struct ForwardRandomTests {
    private static let answer = (1...8).map(String.init).joined(separator: " ")

    @Test(
        "Invariants 2, 3, 5: Whatever dies on either side, every message is answered once, in order, and readers see each event once",
        arguments: 0..<8)
    func anything(round: Int) async throws {
        let seed = testSeed() &+ UInt64(round)
        var random = SeededGenerator(seed: seed)
        let comment = Comment("CARRYON_TEST_SEED=\(seed &- UInt64(round)), round \(round)")
        let sides = try TwoSides {
            $0.crashAttempts = 1_000
            if $0.groupID == "big" { $0.outOfMemoryAttempts = 1_000 }
        }
        var sent: [String] = []
        var deaths: (small: HostDeath?, big: HostDeath?)
        for _ in 0..<20 {
            try await sides.small.start(killAt: Self.kill(&random), death: deaths.small)
            for _ in 0..<Int.random(in: 0..<3, using: &random) {
                let id = "u\(sent.count)"
                sent.append(id)
                sides.small.say("#script\ntokens 8", id: id, key: Bool.random(using: &random) ? "key of \(id)" : nil)
            }
            if Bool.random(using: &random) {
                try await sides.big.start(killAt: Self.kill(&random), death: deaths.big)
                sides.big.takeForwarded()
            }
            for _ in 0..<Int.random(in: 0..<2_000, using: &random) { await Task.yield() }
            sides.big.takeForwarded()
            for _ in 0..<Int.random(in: 0..<2_000, using: &random) { await Task.yield() }
            deaths.small = sides.small.kill(Int.random(in: 0..<3, using: &random) == 0 ? .crashed : .outOfMemory)
            if Bool.random(using: &random) { deaths.big = sides.big.kill(.crashed) }
        }
        try await sides.small.start(death: deaths.small)
        try await sides.small.finish()
        try await sides.big.start(death: deaths.big)
        sides.big.takeForwarded()
        do {
            try await sides.big.finish()
        } catch {
            Issue.record(error, comment)
        }
        sides.small.say("#script\ntokens 8", id: "last")
        try await sides.small.finish()
        sent.append("last")

        let history = try await sides.small.history()
        #expect(history.filter { $0.role == .user }.map(\.id) == sent, comment)
        #expect(history.filter { $0.role == .assistant }.count == sent.count, comment)
        #expect(sides.view.isGapless, comment)
        #expect(sides.view.completes.map(\.turn) == Array(sent.indices), comment)
        for complete in sides.view.completes {
            let answer = try sides.view.answer(turn: complete.turn)
            #expect(history.contains(answer), comment)
            // What newer messages waited behind may have been cut short for them.
            #expect(Self.answer.hasPrefix(answer.text), comment)
        }
        #expect(sides.small.log.deadLetters.isEmpty, comment)
        let session = try #require(try await sides.session())
        #expect(session.openRuns == [], comment)
        #expect(session.nextSeq == Int64(sides.view.events.count) + 1, comment)
    }

    private static func kill(_ random: inout SeededGenerator) -> RunningHost.Kill? {
        guard Int.random(in: 0..<4, using: &random) > 0,
            let step = TurnStep.allCases.filter({ !$0.isOfTools }).randomElement(using: &random)
        else { return nil }
        return RunningHost.Kill(step: step, occurrence: Int.random(in: 1...4, using: &random))
    }
}
