import Conversation
import Foundation
import SessionStore
import TestSupport
import Testing

@Suite("A store that is lost, and built again by command", .enabled(if: Tansu.isAvailable))
struct RebuildCommandTests {
    /// The path of a new store, as a variable for commands.
    private static func variables(_ path: String) -> [String: String] { ["CARRYON_STORE": "sqlite:\(path)"] }

    private func run(
        _ cluster: Cluster, _ arguments: [String], store path: String? = nil, endsAs ending: ProcessEnding = .done
    ) async throws -> String {
        let process = try await cluster.run(arguments, variables: path.map(Self.variables) ?? [:])
        try require(
            "the end of \(arguments): \(process.outputText) \(process.errorText)", process.ending, equals: ending)
        return process.outputText
    }

    @Test(
        "Its worker is killed and its store is gone: it is built again from the topics, verified, and the answer goes on",
        .timeLimit(.minutes(10)))
    func lost() async throws {
        try await withCluster(.tansu, "lost") { cluster in
            let worker = try await cluster.startWorker("worker", ["--hosts", "2"])
            var sent: [SentRequest] = []
            for round in 0..<6 {
                for session in 0..<8 {
                    let text = round == 2 ? "#script\ntokens 5\ncrash KILL upto 1\ntokens 5" : "round \(round)"
                    sent.append(try await cluster.send(text, to: "s\(session)"))
                }
            }
            let waiting = sent
            try await eventually(timeout: .seconds(90), every: .milliseconds(100)) {
                for request in waiting {
                    let stored = try await cluster.store.loadSession(request.session ?? "")
                    guard stored?.hasSettled(request) == true else { return false }
                }
                return true
            }
            let question = Counting.program(to: 60, every: "400ms")
            _ = try await cluster.send(question, to: "long")
            try await cluster.waitForText(of: "long")
            worker.signal(SIGKILL)
            _ = try await worker.end(within: .seconds(10))
            try require(
                "settled turns of the long answer", try await cluster.store.sessionHead("long")?.turns, equals: 0)

            let path = cluster.directory.path("again.sqlite")
            let told = try await run(cluster, ["verify"])
            try require("what verify tells of the live store", told.contains(" 0 differences"), equals: true)
            // This broker never forgets a member that died; any other does when its session times out.
            let early = try await cluster.run(["rebuild"], variables: Self.variables(path))
            try require("the end of a rebuild beside members", early.ending, equals: .exited(1))
            try require("why: \(early.errorText)", early.errorText.contains("--ignore-members"), equals: true)
            _ = try await run(cluster, ["rebuild", "--ignore-members"], store: path)
            let refused = try await cluster.run(["rebuild", "--ignore-members"], variables: Self.variables(path))
            try require("the end of a rebuild over sessions", refused.ending, equals: .exited(1))
            _ = try await run(cluster, ["rebuild", "--continue", "--ignore-members"], store: path)
            _ = try await run(cluster, ["verify"], store: path)
            for session in 0..<8 {
                let (old, new) = try await (
                    run(cluster, ["sessions", "show", "s\(session)", "--json"]),
                    run(cluster, ["sessions", "show", "s\(session)", "--json"], store: path)
                )
                try require("session s\(session)", new, equals: old)
            }

            _ = try await cluster.start(["work"], name: "second", variables: Self.variables(path))
            let rebuilt = try TestStore(sqliteAt: path).store
            try await eventually(timeout: .seconds(120), every: .milliseconds(100)) {
                try await rebuilt.sessionHead("long")?.turns == 1
            }
            let events = try await cluster.events(of: "long")
            try events.checkGapless()
            try require("the answer", try events.answer(turn: 0).text, equals: Counting.answer(to: 60))
            let runs = try await rebuilt.listRuns(
                session: "long", status: nil, regions: nil, cursor: nil, limit: 10
            ).items.sorted { $0.run < $1.run }
            try require("the runs", runs.map(\.status), equals: [.interrupted, .completed])
            try require("the takeovers that its reader was told of", events.recoveryCauses, equals: ["unknown"])
            try await rebuilt.close()
            _ = try await run(cluster, ["verify"], store: path)
        }
    }

    @Test("Beside an answer that streams without a pause, verify comes to its end", .timeLimit(.minutes(5)))
    func busy() async throws {
        try await withCluster(.tansu, partitions: 1, "busy") { cluster in
            _ = try await cluster.startWorker("worker")
            let first = try await cluster.send("one", to: "quiet")
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.store.loadSession("quiet")?.hasSettled(first) == true
            }
            let stream = try await cluster.send(Counting.program(to: 4_000, every: "10ms"), to: "streams")
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.store.sessionHead("streams")?.openRuns.isEmpty == false
            }
            let told = try await run(cluster, ["verify"])
            try require("no difference in: \(told)", told.contains(" 0 differences"), equals: true)
            let isOver = try await cluster.store.loadSession("streams")?.hasSettled(stream) == true
            try require("the answer is over", isOver, equals: false)
        }
    }

    @Test("What a store has otherwise is told by session and place, without its words", .timeLimit(.minutes(5)))
    func different() async throws {
        try await withCluster(.embedded, "different") { cluster in
            _ = try await cluster.startWorker("worker")
            let sent = try await cluster.send("a secret", to: "s")
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.store.loadSession("s")?.hasSettled(sent) == true
            }
            _ = try await run(cluster, ["verify"])
            let stored = try #require(try await cluster.store.loadSession("s"))
            let position = try #require(stored.positions.first)
            let token = try #require(
                try await cluster.store.currentFence(
                    group: cluster.name, cluster: position.log.cluster, topic: position.log.topic,
                    partition: position.log.partition))
            let fence = Fence(
                group: cluster.name, cluster: position.log.cluster, topic: position.log.topic,
                partition: position.log.partition, token: token)
            let other = Message(id: "x", role: .assistant, parts: [.text(TextPart("another secret"))])
            let settlement = Settlement(
                session: "s", expectedRevision: stored.revision, fence: fence, position: position, fingerprint: nil,
                history: HistoryChange(
                    replace: [(1, StoredMessage(id: "x", role: "assistant", turn: 0, body: other.serialized()))]),
                turns: stored.turns, nextSeq: stored.nextSeq, at: stored.updatedAt)
            guard case .written = try await cluster.store.settle(settlement) else {
                throw Discrepancy("a change of the store", expected: "it written", came: "a refusal")
            }
            let told = try await run(cluster, ["verify"], endsAs: .exited(1))
            try require("the place in: \(told)", told.contains("message 1"), equals: true)
            try require("no words in: \(told)", told.contains("secret"), equals: false)
        }
    }
}
