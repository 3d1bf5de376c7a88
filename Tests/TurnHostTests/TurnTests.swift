import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Turns")
struct TurnTests {
    @Test("S1: A message's answer streams in order, and exactly one turn-complete follows it")
    func answerStreams() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.say("#script\nsay one two")
        try await conductor.finish()
        let view = conductor.view()
        #expect(
            view.words(turn: 0) == [
                "turn-start", "start", "start-step", "text-start", "text-delta", "text-delta", "text-end",
                "finish-step",
                "finish", "turn-complete",
            ])
        #expect(view.isGapless)
        #expect(view.completes.map(\.messageID) == [try view.answer(turn: 0).id])
        #expect(try await conductor.history().last == view.answer(turn: 0))
    }

    @Test(
        "S2: The hooks of a first turn come in order: boot, start, model, complete; S6: a second turn does not boot again"
    )
    func hookOrder() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        conductor.say("again", id: "u2")
        try await conductor.finish()
        try await waitFor { agent.journal.completes.count == 2 }
        #expect(
            agent.journal.words == ["boot 0", "start 0", "model 0", "complete 0", "start 1", "model 1", "complete 1"])
        #expect(agent.journal.starts.map(\.identity.isContinuation) == [false, false])
    }

    @Test("S3: Three messages, one after the other, have prompts of 1, 3 and 5 messages")
    func prompts() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        try await conductor.start(agent)
        for text in ["a", "b", "c"] {
            conductor.say(text)
            try await conductor.finish()
        }
        #expect(agent.journal.prompts.map(\.messages.count) == [1, 3, 5])
    }

    @Test("S5: Of two sessions that answer at once, none has an event or a local value of the other")
    func sessionsApart() async throws {
        let key = LocalsKey<String>("who")
        let conductor = try Conductor()
        let meeting = Latch()
        let agent = RecordingAgent(
            onBooting: { $0.identity.locals[key] = $0.identity.session },
            answer: { turn in
                if turn.identity.turn == 0 { await meeting.wait() }
                try await turn.say("\(turn.identity.session) \(try turn.identity.locals.require(key))")
            })
        try await conductor.start(agent)
        conductor.say("hello", to: "a")
        conductor.say("hello", to: "b")
        try await waitFor { meeting.waiting == 2 }
        meeting.open()
        try await conductor.finish()
        conductor.say("more", to: "a")
        try await conductor.finish()
        for (session, turns) in [("a", 2), ("b", 1)] {
            let view = conductor.view(session)
            #expect(view.isGapless)
            for turn in 0..<turns { #expect(try view.answer(turn: turn).text == "\(session) \(session)") }
        }
        #expect(agent.journal.words.count { $0.hasPrefix("boot") } == 2)
    }

    @Test(
        "S7, S68: On another worker a session's next turn is a continuation, and its prompt holds what was said before")
    func continuation() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.say("first", id: "u1")
        try await conductor.finish()
        try await conductor.revoke()
        let agent = RecordingAgent()
        try await conductor.start(agent)
        conductor.say("second", id: "u2")
        try await conductor.finish()
        #expect(agent.journal.starts.map(\.identity.isContinuation) == [true])
        #expect(agent.journal.starts.map(\.identity.turn) == [1])
        #expect(agent.journal.prompts.first?.messages.map(\.id) == ["u1", "s-answer-0", "u2"])
        #expect(agent.journal.recoveries.isEmpty, "S19: a clean continuation is no recovery")
        #expect(conductor.log.readings == 0, "nothing needed the events to be read")
    }

    @Test("S10, S41: Every hook of a turn sees exactly the data that its own request carried")
    func clientData() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        let values: [JSON?] = [.object(["a": .array([.null])]), .null, nil, .string("x")]
        for (index, value) in values.enumerated() { conductor.say("m\(index)", data: value) }
        try await conductor.start(agent)
        try await conductor.finish()
        try await waitFor { agent.journal.completes.count == values.count }
        #expect(agent.journal.starts.map(\.identity.data) == values)
        #expect(agent.journal.completes.map(\.identity.data) == values)
    }

    @Test("S14: A regenerate replaces the trailing answer by a new one")
    func regenerate() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent(answer: { try await $0.say("answer \($0.identity.turn)") })
        try await conductor.start(agent)
        conductor.say("question", id: "u1")
        conductor.send(.regenerate)
        try await conductor.finish()
        #expect(try await conductor.history().map(\.text) == ["question", "answer 1"])
        #expect(agent.journal.prompts.map { $0.messages.map(\.id) } == [["u1"], ["u1"]])
    }

    @Test("S63: A completed turn's checkpoint holds question and answer and the position of its request")
    func checkpoint() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        let session = try #require(try await conductor.store.loadSession("s"))
        #expect(session.messages.map(\.role) == ["user", "assistant"])
        #expect(session.positions.map(\.offset) == [0])
        #expect(session.turns == 1)
        #expect(session.nextSeq == Int64(conductor.view().events.count) + 1)
        #expect(session.openRuns.isEmpty)
    }

    @Test("S61: A stored message that can't be read is left out, and the session goes on")
    func unreadableHistory() async throws {
        let conductor = try Conductor()
        conductor.isRebuildable = false
        try await conductor.start()
        conductor.say("one", id: "u1")
        conductor.say("two", id: "u2")
        try await conductor.finish()
        try await conductor.revoke()
        let fence = try await conductor.store.takeFence(group: "g", cluster: "c1", topic: "requests", partition: 0)
        let stored = try #require(try await conductor.store.loadSession("s"))
        let bad = StoredMessage(id: "bad", role: "user", turn: 0, body: Array("{".utf8))
        _ = try await conductor.store.settle(
            Settlement(
                session: "s", expectedRevision: stored.revision, fence: fence, position: stored.positions[0],
                fingerprint: nil,
                history: HistoryChange(replace: [(1, bad)]), turns: stored.turns, nextSeq: stored.nextSeq,
                isClosed: false, at: 0))
        let agent = RecordingAgent()
        try await conductor.start(agent)
        conductor.say("three", id: "u3")
        try await conductor.finish()
        #expect(agent.journal.prompts.first?.messages.map(\.id) == ["u1", "u2", "s-answer-1", "u3"])
        #expect(try await conductor.history().map(\.id) == ["u1", "u2", "s-answer-1", "u3", "s-answer-2"])
    }

    @Test("Invariant 5, S69: A reader that comes back behind any seq gets every later event once")
    func resumingReader() async throws {
        let conductor = try Conductor()
        try await conductor.start(killAt: .init(step: .midStream, occurrence: 3))
        conductor.say("#script\nsay one two three four five six")
        let death = try await conductor.waitForDeath()
        try await conductor.start(death: death)
        try await conductor.finish()
        let whole = conductor.view().events
        for after in 0...Int64(whole.count) {
            var rule = ReaderRule(after: after)
            var kept: [Int64] = []
            for record in conductor.log.events(0) {
                let head = try EventHeaders(key: record.key, headers: record.headers.map { ($0.name, $0.value) })
                if rule.admit(head) == .accept { kept.append(head.seq) }
            }
            #expect(kept == Array((after + 1)..<(Int64(whole.count) + 1)))
        }
    }

    @Test("S86: A failed turn keeps the user's message and the partial, says so once, and the next prompt holds both")
    func failedTurn() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        try await conductor.start(agent)
        conductor.say("#script\nsay partial answer\nfail overloaded", id: "u1")
        conductor.say("next", id: "u2")
        try await conductor.finish()
        try await waitFor { agent.journal.completes.count == 2 }
        let complete = agent.journal.completes[0]
        #expect(complete.error?.code == "overloaded")
        #expect(complete.outcome == .failed)
        #expect(complete.responseMessage?.text == "partial answer")
        #expect(complete.newMessages.map(\.id) == ["u1", "s-answer-0"])
        #expect(agent.journal.prompts.last?.messages.map(\.id) == ["u1", "s-answer-0", "u2"])
        #expect(conductor.view().words(turn: 0).suffix(2) == ["error", "turn-complete"])
        #expect(conductor.view().completes.map(\.outcome) == [.failed, .completed])
    }

    enum BadHook: String, CaseIterable { case boot, start, complete }

    @Test("A hook that throws costs at most its own turn", arguments: BadHook.allCases)
    func throwingHook(hook: BadHook) async throws {
        struct Bad: Error {}
        let conductor = try Conductor()
        let isFirst: @Sendable (TurnIdentity) -> Bool = { $0.turn == 0 }
        let agent = RecordingAgent(
            onBooting: { if hook == .boot, isFirst($0.identity) { throw Bad() } },
            onStart: { if hook == .start, isFirst($0.identity) { throw Bad() } },
            onComplete: { if hook == .complete, isFirst($0.identity) { throw Bad() } })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        conductor.say("two", id: "u2")
        try await conductor.finish()
        try await waitFor { agent.journal.completes.count == 2 }
        #expect(agent.journal.completes.map(\.outcome) == [hook == .complete ? .completed : .failed, .completed])
        #expect(conductor.view().completes.count == 2)
        #expect(try await conductor.history().map(\.id).filter { $0.hasPrefix("u") } == ["u1", "u2"])
        #expect(agent.journal.words.count { $0.hasPrefix("boot") } == (hook == .boot ? 2 : 1))
    }

    @Test(
        "Invariant 3, S91: Messages that arrive while a turn runs become turns of their own, in order, also when an earlier one fails"
    )
    func messagesMeanwhile() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let agent = RecordingAgent(answer: { turn in
            if turn.identity.turn == 0 {
                await latch.wait()
                throw TurnError(code: "broken", message: "broken")
            }
            try await turn.say("fine")
        })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await waitFor { latch.waiting == 1 }
        conductor.say("two", id: "u2")
        conductor.say("three", id: "u3")
        latch.open()
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.failed, .completed, .completed])
        #expect(try await conductor.history().map(\.id) == ["u1", "u2", "s-answer-1", "u3", "s-answer-2"])
    }

    @Test("S92: Killed after the first of three messages completed, the next worker runs the other two")
    func killedBetweenTurns() async throws {
        let conductor = try Conductor()
        try await conductor.start(killAt: .init(step: .beforeCommit))
        conductor.send(["one", "two", "three"].map { Request(kind: .message(.user(id: $0, text: $0))) })
        let death = try await conductor.waitForDeath()
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(agent.journal.prompts.map(\.messages.last?.id) == ["two", "three"])
        #expect(
            try await conductor.history().map(\.id) == [
                "one", "s-answer-0", "two", "s-answer-1", "three", "s-answer-2",
            ])
    }

    @Test("Requests that need no turn are closed with a word to the readers, gapless, and never run")
    func closedWithoutTurn() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        conductor.now = 2_000
        try await conductor.start(agent)
        conductor.say("one", id: "u1", key: "k")
        conductor.say("one", id: "u1b", key: "k")
        conductor.send([
            Request(kind: .message(.user(id: "late", text: "late")), deadline: Timestamp(milliseconds: 1_999)),
            Request(kind: .message(.user(id: "u2", text: "in time")), deadline: Timestamp(milliseconds: 2_000)),
            Request(kind: .action(.null)),
            Request(kind: .close(reason: nil)),
            Request(kind: .message(.user(id: "u3", text: "too late"))),
        ])
        try await conductor.finish()
        let view = conductor.view()
        #expect(view.isGapless)
        #expect(
            view.controls().map(\.subtype) == [
                "turn-start", "turn-complete", "duplicate", "expired", "turn-start", "turn-complete", "action-complete",
                "closed", "closed",
            ])
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
        #expect(agent.journal.prompts.count == 2)
    }
}
