import Conversation
import SessionStore
import TestSupport
import Testing
import TurnHost

/// One cell of the kill matrix.
struct KillCase: Sendable, CustomTestStringConvertible {
    enum Victim: String, CaseIterable, Sendable { case host, worker }

    let victim: Victim
    let step: TurnStep
    let broker: BrokerKind

    var label: String { "\(broker.rawValue) \(killAt)" }
    var killAt: String { "\(victim.rawValue):\(step.rawValue)" }
    var testDescription: String { label }

    /// Every step for both processes on the broker process, and some on the embedded one.
    static let all: [KillCase] = {
        var cases: [KillCase] = []
        if Tansu.isAvailable {
            for victim in Victim.allCases {
                cases += TurnStep.allCases.filter { !$0.isOfTools }.map {
                    KillCase(victim: victim, step: $0, broker: .tansu)
                }
            }
        }
        cases += [TurnStep.midStream, .inSettle].map { KillCase(victim: .host, step: $0, broker: .embedded) }
        cases += [TurnStep.midStream, .afterSettle].map { KillCase(victim: .worker, step: $0, broker: .embedded) }
        return cases.filter { isAskedFor($0.label) }
    }()

    /// Whether the turn is settled when the process dies: then nothing may run again.
    var isSettled: Bool { [.afterSettle, .beforeCommit, .afterComplete].contains(step) }
    /// Whether the first run is on record when the process dies.
    var hasBegun: Bool { step != .beforeBeginRun }
    /// Whether the model has said its last word when the process dies: then it may not be asked again.
    var hasEnded: Bool { step == .beforeSettle || step == .inSettle }
}

@Suite("Kill matrix: a process is killed with SIGKILL at each named step of a turn")
struct KillMatrixTests {
    @Test(
        "Invariants 1, 2 and 5: the answer is there once, no model is asked twice, no commit ran ahead",
        .timeLimit(.minutes(10)), arguments: KillCase.all)
    func kill(_ kill: KillCase) async throws {
        try await withCluster(kill.broker, kill.label) { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            let question = Counting.program(to: 40, every: "25ms")
            let first = try await cluster.startWorker("first", ["--kill-at", kill.killAt])
            let sent = try await cluster.send(question, to: "s")
            await watch.add([sent])
            if kill.victim == .worker {
                try require("the worker's end", try await first.end(within: .seconds(60)), equals: .killed)
                _ = try await cluster.startWorker("second")
            }
            try await watch.waitForAll([sent], timeout: .seconds(60))
            try await watch.finish()
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 40))
            let events = try await cluster.checkConversation("s", [turn])
            try await check(kill, events, try await cluster.runs(of: "s"))
            if kill.victim == .host { try require("the worker's end", first.ending, equals: nil) }
        }
    }

    @Test(
        "A turn that survives two deaths of its host has three runs and one answer", .timeLimit(.minutes(10)),
        .enabled(if: Tansu.isAvailable))
    func twice() async throws {
        try await withCluster(.tansu, "twice") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            _ = try await cluster.startWorker("worker", ["--kill-at", "host:mid-stream:2"])
            let question = Counting.program(to: 40, every: "25ms")
            let sent = try await cluster.send(question, to: "s")
            await watch.add([sent])
            try await watch.waitForAll([sent], timeout: .seconds(60))
            try await watch.finish()
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 40))
            let events = try await cluster.checkConversation("s", [turn])
            let runs = try await cluster.runs(of: "s")
            try require("the runs", runs.map(\.status), equals: [.interrupted, .interrupted, .completed])
            try require("their causes", runs.map(\.cause), equals: ["SIGKILL", "SIGKILL", nil])
            try require("the causes told to the reader", events.recoveryCauses, equals: ["crashed", "crashed"])
        }
    }

    /// How many runs there were, and what is said of the one that was killed.
    private func check(_ kill: KillCase, _ events: SessionEvents, _ runs: [StoredRun]) async throws {
        let isRunAgain = kill.hasBegun && !kill.isSettled
        try require(
            "the runs", runs.map(\.status), equals: isRunAgain ? [.interrupted, .completed] : [.completed])
        let cause = kill.victim == .host ? "SIGKILL" : "unknown"
        try require("the causes of the runs' ends", runs.map(\.cause), equals: isRunAgain ? [cause, nil] : [nil])
        try require("recovered records", events.recoveryCauses.count, equals: isRunAgain ? 1 : 0)
        if kill.hasEnded {
            try require(
                "the policy, for an answer that was complete", events.recoveries.first?.policy, equals: "settle")
        }
    }
}
