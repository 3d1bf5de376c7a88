import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

/// A group of workers that hands over what it has too little memory for, and the group that takes it.
struct TwoSides: Sendable {
    static let question = "#script\nsay one two three four five"

    let small: Conductor
    let big: Conductor

    init(_ configure: @escaping @Sendable (inout HostOptions) -> Void = { _ in }) throws {
        small = try Conductor {
            $0.flushWindow = .zero
            $0.outOfMemoryTopic = MemoryEventLog.bigTopic
            configure(&$0)
        }
        big = Conductor(beside: small) {
            $0.flushWindow = .zero
            // As where every worker has the same settings, but for the topic that it reads.
            $0.outOfMemoryTopic = MemoryEventLog.bigTopic
            configure(&$0)
        }
    }

    /// Has the small side's hosts die of the first request that waits until its budget is used up: in mid-answer, and
    /// then at once.
    /// - Returns: how the last one died.
    func useUpBudget(
        _ agent: any ChatAgent = Assistant(model: ScriptedModel()), firstDeath: RunningHost.Kill? = nil
    ) async throws -> HostDeath? {
        var death: HostDeath?
        for run in 1...2 {
            let first = firstDeath ?? .init(step: .midStream, occurrence: 3)
            try await small.start(agent, killAt: run == 1 ? first : .init(step: .afterBeginRun), death: death)
            death = try await small.waitForDeath(.outOfMemory, cause: "out of memory")
        }
        return death
    }

    /// Has a first request handed over, as the small side's last host does it.
    static func withForwarded(
        _ request: Request = Request(kind: .message(.user(id: "u1", text: question)))
    ) async throws -> TwoSides {
        let sides = try TwoSides()
        sides.small.send([request])
        try await sides.small.start(death: try await sides.useUpBudget())
        try await sides.small.finish()
        return sides
    }

    /// What an operator sends again of ``withSetAside()``.
    static let redrive = Redrive(letter: "dead-letters-0-0", letterTimestamp: 7, origin: "0-0", count: 1)

    /// The request of ``withForwarded(_:)``, unless it was given another.
    var request: Request { Request(kind: .message(.user(id: "u1", text: Self.question))) }

    /// Has a first request handed over that uses its budget up on the big side, too. Both sides are at work.
    static func withSetAside() async throws -> TwoSides {
        let sides = try await withForwarded()
        var death: HostDeath?
        for _ in 0..<2 {
            try await sides.big.start(killAt: .init(step: .afterBeginRun), death: death)
            sides.big.takeForwarded()
            death = try await sides.big.waitForDeath(.outOfMemory)
        }
        try await sides.big.start(death: death)
        try await sides.big.finish()
        return sides
    }

    /// A next message is answered on the small side: no side holds the session.
    func checkGoesOn() async throws {
        let forwarded = small.log.forwarded.count
        let turns = view.completes.count
        small.say("goes on", id: "goes on")
        try await small.finish()
        #expect(small.log.forwarded.count == forwarded)
        #expect(view.completes.count == turns + 1)
        #expect(try await session()?.openRuns == [])
        #expect(view.isGapless)
    }

    /// The big side takes over what has come to it, and carries it out.
    func carryOn(_ agent: any ChatAgent = Assistant(model: ScriptedModel())) async throws {
        if big.host == nil { try await big.start(agent) }
        big.takeForwarded()
        try await big.finish()
    }

    var view: ReaderView { small.view() }

    /// The policies of all recoveries that readers were told of.
    var policies: [String] {
        view.controls().compactMap { if case .recovered(_, _, let policy, _) = $0 { policy } else { nil } }
    }

    func session() async throws -> StoredSession? { try await small.store.loadSession("s") }
}
