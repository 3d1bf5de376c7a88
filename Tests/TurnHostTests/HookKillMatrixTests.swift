import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("A host killed at every step of what is no plain turn")
struct HookKillMatrixTests {
    enum Scene: String, CaseIterable, Sendable {
        case action, preload, regenerate, steered, interrupted
        /// With hooks that write to the history and to the locals.
        case edited
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var scene: Scene
        var kill: RunningHost.Kill

        var testDescription: String { "\(scene.rawValue) killed at \(kill)" }
    }

    /// Every step that the scene reaches after its preparations.
    static let cases: [Case] = Scene.allCases.flatMap { scene in
        TurnStep.allCases.flatMap { step -> [Case] in
            let occurrences: [Int] =
                switch (scene, step) {
                case (.action, .midStream), (.preload, .midStream), (.action, .afterComplete),
                    (.preload, .afterComplete):
                    []
                case (.steered, .midStream): [1, 2, 3, 5]
                case (_, .midStream): [1, 3]
                case (.steered, .beforeTool), (.steered, .afterTool), (.steered, .stepBoundary): [1]
                case (_, .beforeTool), (_, .afterTool), (_, .stepBoundary): []
                // The newer message's turn, or request, reaches the step too.
                case (.steered, .beforeSettle), (.steered, .afterSettle), (.steered, .beforeCommit),
                    (.interrupted, _), (.steered, .inSettle):
                    [1, 2]
                default: [1]
                }
            return occurrences.map { Case(scene: scene, kill: .init(step: step, occurrence: $0)) }
        }
    }

    private static let durable = DurableLocalsKey<String>("k")

    /// The agent of a scene, with what its tool waits for.
    private static func agent(_ scene: Scene, _ latch: Latch) throws -> HookAgent {
        var agent = HookAgent(onBusy: scene == .steered ? .steer : scene == .interrupted ? .interrupt : .queue)
        agent.acting = { event in
            event.history.set(event.history.messages + [.user(id: "note", text: "by the action")])
            try event.identity.locals.set("action", for: Self.durable)
            try await event.say("done")
        }
        agent.toolSet = [
            Tool("wait", description: "waits", input: try JSONSchema(.object(JSONObject())), doubt: .runAgain) { _ in
                await latch.wait()
                return .string("waited")
            }
        ]
        if scene == .interrupted {
            agent.running = { turn, agent in
                guard turn.identity.turn == 1 else { return try await agent.respond(turn) }
                try await turn.say("one ")
                try await turn.say("two ")
                try await turn.say("three")
                await latch.wait()
                try Task.checkCancellation()
            }
        }
        if scene == .edited {
            agent.starting = { event in
                if event.identity.turn == 1 {
                    event.history.set([.user(id: "x", text: "extra")] + event.history.messages)
                }
            }
        }
        return agent
    }

    private static func send(_ scene: Scene, _ conductor: Conductor, _ latch: Latch) async throws {
        switch scene {
        case .action: conductor.send(.action(.null))
        case .preload: conductor.send(.preload)
        case .regenerate: conductor.send(.regenerate)
        case .edited: conductor.say("#script\nsay one two three four", id: "u1")
        case .steered:
            conductor.say("#script\nsay first\ntool wait {}\nsay second", id: "u1")
            let host = conductor.host
            try await waitFor { latch.waiting == 1 || host?.lifeline.isCut == true }
            conductor.say("#script\nsay other words of it", id: "u2")
            latch.open()
        case .interrupted:
            conductor.say("#script\nsay one two three four", id: "u1")
            let host = conductor.host
            try await waitFor { latch.waiting == 1 || host?.lifeline.isCut == true }
            conductor.say("#script\nsay and done now", id: "u2")
            latch.open()
        }
    }

    /// What the scene is about is the second turn, or comes behind the first, except for a preload.
    private static func prepare(_ scene: Scene, _ conductor: Conductor) async throws {
        guard scene != .preload else { return }
        try await conductor.start(try agent(scene, Latch()))
        conductor.say("#script\nsay zero and a half", id: "u0")
        try await conductor.finish()
        try await conductor.revoke()
    }

    /// What each scene comes to when nobody dies.
    private static let expectations = Dictionary(
        uniqueKeysWithValues: Scene.allCases.map { scene in (scene, Task { try await uninterrupted(scene) }) })

    private static func uninterrupted(_ scene: Scene) async throws -> (history: [Message], state: [UInt8]?) {
        let conductor = try Conductor()
        try await prepare(scene, conductor)
        let latch = Latch()
        try await conductor.start(try agent(scene, latch))
        try await send(scene, conductor, latch)
        try await conductor.finish()
        return (try await conductor.history(), try await conductor.store.loadSession("s")?.state)
    }

    @Test(
        "Invariants 2, 3, 5, 7: Whatever step kills a host, the next one brings it to the end that it would have had",
        arguments: cases)
    func killAndGoOn(_ test: Case) async throws {
        let expected = try #require(await Self.expectations[test.scene]?.value)
        let conductor = try Conductor()
        try await Self.prepare(test.scene, conductor)
        let latch = Latch()
        let first = try Self.agent(test.scene, latch)
        try await conductor.start(first, killAt: test.kill)
        try await Self.send(test.scene, conductor, latch)
        let death = try await conductor.waitForDeath()
        if test.kill.step == .inSettle {
            // The transaction that the host died in is committed all the same: only the answer never came.
            let count = conductor.settledOffsets.count
            try await waitFor {
                let stored = try await conductor.store.loadSession("s")
                return stored.map { session in session.positions.contains { $0.offset >= Int64(count) } } ?? false
            }
        }
        latch.open()
        let second = try Self.agent(test.scene, latch)
        try await conductor.start(second, death: death)
        try await conductor.finish()

        let view = conductor.view()
        #expect(view.isGapless)
        let closings = view.events.filter { event in
            if case .control(let control) = event.body { Self.closing.contains(control.subtype) } else { false }
        }
        let offsets = closings.compactMap(\.requestOffset)
        #expect(offsets == offsets.sorted(), "invariant 3")
        #expect(Set(offsets).count == offsets.count, "invariant 7: each request ends once")
        #expect(view.completes.map(\.turn) == Array(0..<view.completes.count))
        let ended = first.journal.completes + second.journal.completes
        #expect(Set(ended.map(\.identity.turn)).count == ended.count, "onTurnComplete at most once")
        let history = try await conductor.history()
        #expect(Set(history.map(\.id)).count == history.count)
        for complete in view.completes {
            guard let id = complete.messageID, let stored = history.first(where: { $0.id == id }) else { continue }
            let answer = try view.answer(turn: complete.turn)
            #expect((complete.outcome == .completed ? answer : answer.repaired()) == stored, "invariant 5")
        }
        #expect(conductor.log.deadLetters.isEmpty)
        try await check(test, expected, history, conductor)
        // Nothing of it is left for the turns that come after it.
        conductor.say("#script\nsay after", id: "u9")
        try await conductor.finish()
        let after = conductor.view().completes
        #expect(after.map(\.turn) == Array(0..<after.count))
        #expect(try await conductor.store.run("s/\(after.count - 1)/1")?.status == .completed)
    }

    private func check(
        _ test: Case, _ expected: (history: [Message], state: [UInt8]?), _ history: [Message], _ conductor: Conductor
    ) async throws {
        let users = history.filter { $0.role == .user }.map(\.id)
        switch test.scene {
        case .action, .preload, .regenerate, .edited:
            #expect(history == expected.history)
            #expect(try await conductor.store.loadSession("s")?.state == expected.state)
            switch test.scene {
            case .action:
                #expect(conductor.actionOutcomes == ["completed"])
                #expect(users == ["u0", "note"])
            case .edited: #expect(users == ["x", "u0", "u1"])
            case .preload: #expect(history.isEmpty)
            default: #expect(history.map(\.id) == ["u0", "s-answer-1"])
            }
        case .steered, .interrupted:
            // Where the host died before the second message came, it decides what becomes of the first; both stay.
            #expect(users == expected.history.filter { $0.role == .user }.map(\.id))
            let last = try #require(history.last?.text)
            #expect(last.hasSuffix(test.scene == .steered ? "other words of it" : "and done now"))
        }
        let asked = conductor.view().completes.map(\.outcome)
        #expect(asked.allSatisfy { $0 == .completed || $0 == .stopped })
    }

    private static let closing: Set = [
        "turn-complete", "action-complete", "duplicate", "expired", "closed", "skipped", "rejected",
    ]
}
