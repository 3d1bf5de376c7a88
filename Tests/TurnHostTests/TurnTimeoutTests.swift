import ChatAgent
import Conversation
import LanguageModels
import Synchronization
import Testing
import TurnHost

@Suite("Turns that take too long")
struct TurnTimeoutTests {
    private let clock = HandClock()

    private func conductor() throws -> Conductor {
        try Conductor(sleeping: clock) { options in
            options.flushWindow = .zero
            options.turnTimeout = .seconds(60)
            options.turnTimeoutGrace = .seconds(10)
        }
    }

    @Test("A turn that is over its time ends as failed with what there is of it, and the next message is answered")
    func ended() async throws {
        let conductor = try conductor()
        let agent = RecordingAgent(answer: { turn in
            try await turn.say("so far")
            if turn.identity.turn == 0 { try await Task.sleep(for: .seconds(3600)) }
        })
        try await conductor.start(agent)
        conductor.say("long", id: "u1")
        conductor.say("next", id: "u2")
        try await conductor.waitForText("so far")
        try await waitFor { clock.sleeping == 1 }
        clock.advance(by: .seconds(59))
        #expect(clock.sleeping == 1)
        clock.advance(by: .seconds(1))
        try await conductor.finish()
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.failed, .completed])
        #expect(view.completes[0].error?["code"] == "turn_timeout")
        #expect(view.isGapless)
        #expect(try await conductor.history().map(\.text) == ["long", "so far", "next", "so far"])
        try await waitFor { clock.sleeping == 0 }
    }

    @Test(
        "A turn that does not heed its end is left behind: nothing that it still says is heard, and the next one runs")
    func leftBehind() async throws {
        let conductor = try conductor()
        let never = Latch()
        let isRefused = Mutex(false)
        let agent = RecordingAgent(answer: { turn in
            try await turn.say("heard")
            guard turn.identity.turn == 0 else { return }
            await never.wait()
            do {
                try await turn.say(" not heard")
            } catch {
                isRefused.withLock { $0 = true }
            }
        })
        let host = try await conductor.start(agent)
        conductor.say("long", id: "u1")
        try await conductor.waitForText("heard")
        try await waitFor { never.waiting == 1 && clock.sleeping == 1 }
        host.send(.askVitals)
        try await waitFor { host.vitals?.running == 1 }
        #expect(host.vitals?.oldestSession == "s")
        clock.advance(by: .seconds(60))
        try await waitFor { clock.sleeping == 1 }
        #expect(conductor.settledOffsets.isEmpty)
        clock.advance(by: .seconds(10))
        try await conductor.finish()
        conductor.say("next", id: "u2")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.failed, .completed])
        never.open()
        try await waitFor { isRefused.withLock { $0 } }
        #expect(try await conductor.history().map(\.text) == ["long", "heard", "next", "heard"])
        #expect(conductor.view().isGapless)
        host.send(.askVitals)
        try await waitFor { host.vitals?.running == 0 }
    }

    @Test("A stop that comes after the time is up changes nothing")
    func stopAfterwards() async throws {
        let conductor = try conductor()
        let never = Latch()
        let agent = RecordingAgent(answer: { _ in await never.wait() })
        try await conductor.start(agent)
        conductor.say("long", id: "u1")
        try await waitFor { never.waiting == 1 && clock.sleeping == 1 }
        clock.advance(by: .seconds(60))
        try await waitFor { clock.sleeping == 1 }
        conductor.send(.stop(reason: nil))
        never.open()
        try await conductor.finish()
        // It came to its own end all the same, which is better than an error.
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
    }

    @Test("An action that is over its time ends as failed")
    func action() async throws {
        let conductor = try conductor()
        let began = Latch()
        var agent = HookAgent()
        agent.acting = { _ in
            began.open()
            try await Task.sleep(for: .seconds(3600))
        }
        try await conductor.start(agent)
        conductor.send(.action("go"))
        await began.wait()
        try await waitFor { clock.sleeping == 1 }
        clock.advance(by: .seconds(60))
        try await conductor.finish()
        let outcomes = conductor.view().controls().compactMap { control in
            if case .actionComplete(let outcome) = control { outcome } else { nil }
        }
        #expect(outcomes == ["failed"])
    }

    @Test("A turn that does not heed the user's stop is left behind as well, and settled as stopped")
    func stopNotHeeded() async throws {
        let conductor = try conductor()
        let never = Latch()
        defer { never.open() }
        let running = Mutex<Turn?>(nil)
        let agent = RecordingAgent(answer: { turn in
            guard turn.identity.turn == 0 else { return try await turn.say("later") }
            running.withLock { $0 = turn }
            try await turn.say("heard")
            await never.wait()
        })
        try await conductor.start(agent)
        conductor.say("long", id: "u1")
        try await waitFor { never.waiting == 1 && clock.sleeping == 1 }
        conductor.send(.stop(reason: "enough"))
        try await waitFor { running.withLock { $0?.isStopped == true } }
        clock.advance(by: .seconds(60))
        try await waitFor { clock.sleeping == 1 }
        clock.advance(by: .seconds(10))
        conductor.say("next", id: "u2")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed])
        #expect(try await conductor.history().map(\.text) == ["long", "heard", "next", "later"])
    }
}

extension RunningHost {
    /// What the host last said of itself.
    fileprivate var vitals: HostVitals? {
        reports.reversed().lazy.compactMap { if case .vitals(let vitals) = $0 { vitals } else { nil } }.first
    }
}
