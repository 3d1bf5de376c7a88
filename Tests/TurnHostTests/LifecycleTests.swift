import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Synchronization
import Testing
import TurnHost

@Suite("Ends of runs, upgrades, deferred work and injected messages")
struct LifecycleTests {
    @Test(
        "S17: After as many turns as it may have, a session is put away, and a third message boots it with its history")
    func maximumTurns() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(maximumTurns: 2)
        try await conductor.start(agent)
        for id in ["u1", "u2", "u3"] { conductor.say(id, id: id) }
        try await conductor.finish(agent, turns: 3)
        #expect(agent.journal.count(.boot) == 2)
        #expect(agent.journal.count(.evict) == 1)
        #expect(agent.journal.count(.load) == 1)
        #expect(agent.journal.count(.chatStart) == 1)
        #expect(agent.journal.promptIDs.last == ["u1", "s-answer-0", "u2", "s-answer-1", "u3"])
        #expect(agent.journal.calls.last?.identity?.isContinuation == true)
        #expect(!conductor.subtypes.contains("upgrade-required"))
    }

    @Test(
        "S18: A run that ends itself finishes its turn, and the next message goes on with the history, over three hops")
    func endRun() async throws {
        let conductor = try Conductor()
        let key = LocalsKey<Int>("turn")
        let agent = HookAgent(starting: { event in
            #expect(event.identity.locals[key] == nil, "locals went with the run before")
            event.identity.locals[key] = event.identity.turn
            event.identity.lifecycle.endRun()
        })
        try await conductor.start(agent)
        for id in ["u1", "u2", "u3", "u4"] {
            conductor.say(id, id: id)
            try await conductor.finish()
        }
        try await conductor.finish(agent, turns: 4)
        #expect(agent.journal.count(.boot) == 4)
        #expect(agent.journal.promptIDs.map(\.count) == [1, 3, 5, 7])
        #expect(conductor.subtypes.allSatisfy { $0 == "turn-start" || $0 == "turn-complete" })
    }

    /// Has something of another session settled, behind everything that was sent before.
    private static func pass(_ conductor: Conductor) async throws {
        let offset = conductor.send(.stop(reason: nil), to: "other")
        try await waitFor { conductor.settledOffsets.contains(offset) }
    }

    @Test(
        "S98: An upgrade asked for before run: run is not called, readers are told, and the next owner answers the message",
        arguments: [HookAgent.Hook.boot, .validate, .chatStart, .turnStart])
    func upgradeBeforeRun(hook: HookAgent.Hook) async throws {
        let conductor = try Conductor()
        var old = HookAgent()
        old.inEvery = { called, identity in if called == hook { identity.lifecycle.requestUpgrade() } }
        old.starting = { try $0.writer.write(data: "seen", .null, id: "1") }
        try await conductor.start(old)
        conductor.say("one", id: "u1")
        try await waitFor { conductor.subtypes.contains("upgrade-required") }
        conductor.say("two", id: "u2")
        try await Self.pass(conductor)
        try await conductor.revoke()
        #expect(old.journal.count(.run) == 0)
        #expect(old.journal.count(.complete) == 0)
        #expect(old.journal.calls.count { $0.hook == .turnStart && $0.session == "s" } == 1)
        #expect(old.journal.count(.evict) == 1)
        #expect(conductor.settledOffsets == [2])
        #expect(try await conductor.history().isEmpty)
        let new = HookAgent()
        try await conductor.start(new)
        try await conductor.finish(new, turns: 2)
        #expect(new.journal.count(.recovery) == 0, "nobody died")
        #expect(new.journal.promptIDs == [["u1"], ["u1", "s-answer-0", "u2"]])
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
        #expect(conductor.view().isGapless)
        #expect(conductor.log.deadLetters.isEmpty)
    }

    @Test("S98: An upgrade asked for in run: the turn finishes, and what comes after is left for the next owner")
    func upgradeInRun() async throws {
        for isLate in [false, true] {
            let conductor = try Conductor()
            var old = HookAgent()
            old.running = { turn, agent in
                if !isLate { turn.identity.lifecycle.requestUpgrade() }
                try await agent.respond(turn)
            }
            old.completing = { if isLate { $0.identity.lifecycle.requestUpgrade() } }
            try await conductor.start(old)
            conductor.send(["u1", "u2"].map { Request(kind: .message(.user(id: $0, text: $0))) })
            try await waitFor { old.journal.count(.evict) == 1 }
            conductor.say("three", id: "u3")
            try await Self.pass(conductor)
            try await conductor.revoke()
            #expect(conductor.settledOffsets == [0, 3])
            #expect(old.journal.calls.count { $0.hook == .turnStart && $0.session == "s" } == 1)
            #expect(!conductor.subtypes.contains("upgrade-required"))
            let new = HookAgent()
            try await conductor.start(new)
            try await conductor.finish(new, turns: 2)
            #expect(new.journal.promptIDs.map(\.last) == ["u2", "u3"])
            #expect(conductor.view().completes.map(\.turn) == [0, 1, 2])
        }
    }

    @Test("S98: A session that is held holds no other session of its host")
    func heldAlone() async throws {
        let conductor = try Conductor()
        var agent = HookAgent()
        agent.starting = { if $0.identity.session == "s" { $0.identity.lifecycle.requestUpgrade() } }
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await waitFor { conductor.subtypes.contains("upgrade-required") }
        conductor.say("two", to: "other", id: "u1")
        try await conductor.finish(1)
        #expect(conductor.view("other").completes.map(\.outcome) == [.completed])
    }

    @Test("An action may ask for an end or an upgrade too: what comes behind it is booted anew, or left")
    func actionsLifecycle() async throws {
        for isUpgrade in [false, true] {
            let conductor = try Conductor()
            let agent = HookAgent(acting: { event in
                if isUpgrade { event.identity.lifecycle.requestUpgrade() } else { event.identity.lifecycle.endRun() }
            })
            try await conductor.start(agent)
            conductor.send([Request(kind: .action(.null)), Request(kind: .message(.user(id: "u1", text: "one")))])
            try await waitFor { agent.journal.count(.evict) == 1 }
            #expect(conductor.actionOutcomes == ["completed"])
            if isUpgrade {
                try await conductor.revoke()
                #expect(conductor.settledOffsets == [0])
            } else {
                try await conductor.finish(agent, turns: 1)
                #expect(agent.journal.count(.boot) == 2)
            }
        }
    }

    @Test("Deferred work is waited for before the settlement, wherever it was deferred, and its errors change nothing")
    func deferred() async throws {
        for isAtTheEnd in [false, true] {
            let conductor = try Conductor(sleeping: HandClock())
            let latch = Latch()
            let deferring: @Sendable (TurnLifecycle) -> Void = { lifecycle in
                lifecycle.deferWork { await latch.wait() }
                lifecycle.deferWork { throw TurnError(code: "no", message: "no") }
            }
            let agent = HookAgent(
                ending: { if isAtTheEnd { deferring($0.identity.lifecycle) } },
                running: { turn, _ in
                    try await turn.say("said")
                    if !isAtTheEnd { deferring(turn.identity.lifecycle) }
                })
            try await conductor.start(agent)
            conductor.say("one", id: "u1")
            try await conductor.waitForText("said")
            try await waitFor { latch.waiting == 1 }
            #expect(agent.journal.count(.beforeComplete) == (isAtTheEnd ? 1 : 0))
            #expect(conductor.settledOffsets.isEmpty)
            #expect(conductor.view().completes.isEmpty)
            latch.open()
            try await conductor.finish(agent, turns: 1)
            #expect(conductor.view().completes.map(\.outcome) == [.completed])
        }
    }

    @Test("Deferred work is waited for five seconds and no longer")
    func deferredTooLong() async throws {
        let clock = HandClock()
        let conductor = try Conductor(sleeping: clock)
        let latch = Latch()
        let agent = HookAgent(running: { turn, _ in
            turn.identity.lifecycle.deferWork { await latch.wait() }
            try await turn.say("said")
        })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await waitFor { clock.sleeping == 1 }
        clock.advance(by: .milliseconds(4_999))
        #expect(clock.sleeping == 1)
        #expect(conductor.settledOffsets.isEmpty)
        clock.advance(by: .milliseconds(1))
        try await conductor.finish(agent, turns: 1)
        #expect(latch.waiting == 1)
        latch.open()
    }

    @Test(
        "What is injected at the turn's start is in its prompt, what is injected at its end in the next, and in no transcript"
    )
    func injectBetweenTurns() async throws {
        let conductor = try Conductor()
        var agent = HookAgent()
        agent.starting = { event in
            if event.identity.turn == 0 { event.identity.lifecycle.inject([.user(id: "b1", text: "b1")]) }
        }
        agent.completing = { event in
            if event.identity.turn == 0 { event.identity.lifecycle.inject([.user(id: "b2", text: "b2")]) }
        }
        try await conductor.start(agent)
        for id in ["u1", "u2", "u3"] {
            conductor.say(id, id: id)
            try await conductor.finish()
        }
        try await conductor.finish(agent, turns: 3)
        #expect(
            agent.journal.promptIDs == [
                ["u1", "b1"], ["u1", "b1", "s-answer-0", "u2", "b2"],
                ["u1", "b1", "s-answer-0", "u2", "b2", "s-answer-1", "u3"],
            ])
        #expect(
            try await conductor.history().map(\.id) == [
                "u1", "s-answer-0", "u2", "s-answer-1", "u3", "s-answer-2",
            ])
        #expect(agent.journal.completes.last?.messages.count == 6)
    }

    @Test("What a tool injects is in the prompts of the next steps and turns")
    func injectBetweenSteps() async throws {
        let conductor = try Conductor()
        var agent = HookAgent()
        agent.toolSet = [
            Tool("note", description: "notes", input: try JSONSchema(.object(JSONObject()))) { call in
                if call.id.hasSuffix("1") {
                    call.turn.lifecycle.inject([Message(id: "b", role: .system, parts: [.text(TextPart("b"))])])
                }
                return .null
            }
        ]
        try await conductor.start(agent)
        conductor.say("#script\ntool note {}\ntool note {}\nsay done", id: "u1")
        try await conductor.finish(agent, turns: 1)
        #expect(agent.journal.promptIDs == [["u1"], ["u1", "b"], ["u1", "b"]])
        conductor.say("two", id: "u2")
        try await conductor.finish(agent, turns: 2)
        #expect(agent.journal.promptIDs.last?.contains("b") == true)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
    }
}
