import ChatAgent
import Conversation
import LanguageModels
import Synchronization
import Testing
import TurnHost

@Suite("Hooks that take longer than a turn may")
struct HookTimeoutTests {
    private let clock = HandClock()

    /// A hook that does not come to its end in its first turn, however it is asked to.
    private final class Hanging: Sendable {
        let latch = Latch()
        let outcome = Mutex<[String]>([])

        func note(_ name: String, _ body: () throws -> Void) {
            let isHeard = (try? body()) != nil
            outcome.withLock { $0.append("\(name) \(isHeard ? "heard" : "refused")") }
        }
    }

    private func conductor() throws -> Conductor {
        try Conductor(sleeping: clock) { options in
            options.flushWindow = .zero
            options.turnTimeout = .seconds(60)
            options.turnTimeoutGrace = .seconds(10)
        }
    }

    /// Lets the turn's time pass, up to the moment at which its hook is left behind.
    private func runOutOfTime(_ conductor: Conductor) async throws {
        try await waitFor { clock.sleeping == 1 }
        clock.advance(by: .seconds(60))
        try await waitFor { clock.sleeping == 1 }
        clock.advance(by: .seconds(9))
        #expect(conductor.words.errors.isEmpty)
        clock.advance(by: .seconds(1))
    }

    /// The same where a dead host's sleep may be among those of the one that lives.
    private func letTimePass(_ conductor: Conductor) async throws {
        try await waitFor {
            clock.advance(by: .seconds(10))
            return !leftBehind(conductor).isEmpty
        }
    }

    private func leftBehind(_ conductor: Conductor) -> [String] {
        conductor.words.errors.filter { $0.message.contains("left behind") }
            .compactMap { $0.metadata["hook"].map(String.init(describing:)) }
    }

    @Test(
        "onBeforeTurnComplete that hangs: the turn is settled as if it had changed nothing, nothing more of it is heard, and the session goes on"
    )
    func beforeComplete() async throws {
        let conductor = try conductor()
        let hanging = Hanging()
        let agent = HookAgent(
            ending: { event in
                guard event.identity.turn == 0 else { return }
                event.history.set([])
                await hanging.latch.wait()
                event.history.remove(id: "u1")
                // Its own task is cancelled; another one that it may have started is not.
                await Task.detached { hanging.note("part") { try event.writer.write(data: "late", .bool(true)) } }.value
            },
            running: { turn, _ in try await turn.say("answer") })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await waitFor { hanging.latch.waiting == 1 }
        try await runOutOfTime(conductor)
        conductor.say("two", id: "u2")
        try await conductor.finish(agent, turns: 2)
        #expect(leftBehind(conductor) == ["onBeforeTurnComplete"])
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
        let texts = ["one", "answer", "two", "answer"]
        #expect(try await conductor.history().map(\.text) == texts)
        hanging.latch.open()
        try await waitFor { !hanging.outcome.withLock { $0.isEmpty } }
        #expect(hanging.outcome.withLock { $0 } == ["part refused"])
        conductor.say("three", id: "u3")
        try await conductor.finish(agent, turns: 3)
        #expect(try await conductor.history().map(\.text) == texts + ["three", "answer"])
        #expect(conductor.view().isGapless)
        try await waitFor { clock.sleeping == 0 }
    }

    @Test("Nothing of a hook that was left behind is heard while what was deferred is waited for")
    func writesBeforeTheSettlement() async throws {
        let conductor = try conductor()
        let (hanging, deferred) = (Hanging(), Latch())
        let agent = HookAgent(
            ending: { event in
                event.identity.lifecycle.deferWork { await deferred.wait() }
                await hanging.latch.wait()
                await Task.detached { hanging.note("part") { try event.writer.write(data: "late", .bool(true)) } }.value
            },
            running: { turn, _ in try await turn.say("answer") })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await waitFor { hanging.latch.waiting == 1 && deferred.waiting == 1 }
        try await runOutOfTime(conductor)
        // The limit's sleep, and the one that bounds what was deferred.
        try await waitFor { clock.sleeping == 2 }
        hanging.latch.open()
        try await waitFor { !hanging.outcome.withLock { $0.isEmpty } }
        #expect(hanging.outcome.withLock { $0 } == ["part refused"])
        deferred.open()
        try await conductor.finish(agent, turns: 1)
        #expect(try await conductor.history().last?.dataNames == [])
    }

    @Test("onTurnComplete that hangs: what it has changed is dropped, and the next message is answered")
    func complete() async throws {
        let conductor = try conductor()
        let hanging = Hanging()
        let agent = HookAgent(
            completing: { event in
                guard event.identity.turn == 0 else { return }
                event.history.set([])
                await hanging.latch.wait()
                hanging.note("end") { event.history.set([]) }
            },
            running: { turn, _ in try await turn.say("answer") })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        conductor.say("two", id: "u2")
        try await waitFor { hanging.latch.waiting == 1 }
        #expect(conductor.settledOffsets == [0])
        try await runOutOfTime(conductor)
        try await conductor.finish(agent, turns: 2)
        #expect(leftBehind(conductor) == ["onTurnComplete"])
        hanging.latch.open()
        try await waitFor { hanging.outcome.withLock { $0 } == ["end heard"] }
        conductor.say("three", id: "u3")
        try await conductor.finish(agent, turns: 3)
        let texts = ["one", "answer", "two", "answer", "three", "answer"]
        #expect(try await conductor.history().map(\.text) == texts)
        try await waitFor { clock.sleeping == 0 }
    }

    @Test("A hook that begins when the turn's time is up has a grace of its own, and is not cancelled")
    func lateHook() async throws {
        let conductor = try conductor()
        let hanging = Hanging()
        let agent = HookAgent(
            ending: { event in
                await hanging.latch.wait()
                try Task.checkCancellation()
                try event.writer.write(data: "note", .bool(true))
            },
            running: { turn, _ in
                try await turn.say("so far")
                try await Task.sleep(for: .seconds(3600))
            })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await conductor.waitForText("so far")
        try await waitFor { clock.sleeping == 1 }
        clock.advance(by: .seconds(60))
        try await waitFor { hanging.latch.waiting == 1 && clock.sleeping == 1 }
        hanging.latch.open()
        try await conductor.finish(agent, turns: 1)
        #expect(conductor.words.errors.isEmpty)
        #expect(conductor.view().completes.map(\.outcome) == [.failed])
        #expect(try await conductor.history().last?.dataNames == ["note"])
    }

    @Test(
        "A hook that hangs around an answer that was complete when its worker died: the answer is settled as it is",
        arguments: [HookAgent.Hook.boot, .turnStart, .beforeComplete])
    func hearAgain(_ hook: HookAgent.Hook) async throws {
        let conductor = try conductor()
        try await conductor.start(killAt: .init(step: .beforeSettle))
        conductor.say("one", id: "u1")
        let death = try await conductor.waitForDeath()
        let hanging = Hanging()
        defer { hanging.latch.open() }
        var agent = HookAgent()
        agent.inEvery = { called, identity in
            if called == hook, identity.turn == 0 { await hanging.latch.wait() }
        }
        try await conductor.start(agent, death: death)
        try await waitFor { hanging.latch.waiting == 1 }
        try await letTimePass(conductor)
        try await conductor.finish(agent, turns: 1)
        let names: [HookAgent.Hook: String] = [
            .boot: "onBoot", .turnStart: "onTurnStart", .beforeComplete: "onBeforeTurnComplete",
        ]
        #expect(leftBehind(conductor) == [names[hook]])
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(try await conductor.history().map(\.role) == [.user, .assistant])
    }

    @Test("onRecoveryBoot that hangs: what it wants is not done, and what there is of the answer is kept")
    func recovery() async throws {
        let conductor = try conductor()
        try await conductor.start(killAt: .init(step: .midStream))
        conductor.say("#script\ntokens 6", id: "u1")
        let death = try await conductor.waitForDeath()
        let hanging = Hanging()
        defer { hanging.latch.open() }
        let agent = HookAgent(recovering: { _ in
            await hanging.latch.wait()
            return RecoveryBootResult(chain: [])
        })
        try await conductor.start(agent, death: death)
        try await waitFor { hanging.latch.waiting == 1 }
        try await letTimePass(conductor)
        try await conductor.finish(agent, turns: 1)
        #expect(leftBehind(conductor) == ["onRecoveryBoot"])
        // The turn's time is up by then.
        #expect(conductor.view().completes.map { $0.error?["code"] } == ["turn_timeout"])
        #expect(try await conductor.history().map(\.role) == [.user, .assistant])
    }
}
