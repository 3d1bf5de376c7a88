import Conversation
import Foundation
import Kafka
import SessionStore
import TestSupport
import Testing

extension Cluster {
    /// The group's, by partition.
    fileprivate func committedOffsets() async throws -> [TopicPartition: Int64] {
        let all = (0..<Int32(partitions)).map { TopicPartition(topic: requestsTopic, partition: $0) }
        return try await admin.committedOffsets(group: name, partitions: all).mapValues(\.offset)
    }
}

@Suite("Recorded requests, run again by command", .enabled(if: Tansu.isAvailable))
struct ReplayCommandTests {
    private struct Summary {
        var same: Int
        var different: Int
        var failed: Int
        var lines: [JSON]

        init(_ output: String) throws {
            lines = try output.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
            let last = lines.popLast()
            same = last?["same"]?.int ?? -1
            different = last?["different"]?.int ?? -1
            failed = last?["failed"]?.int ?? -1
        }
    }

    /// What must be as it was: the live store, the ends of the live topics, the committed offsets.
    private struct Live: Equatable {
        var sessions: [SessionSummary]
        var ends: [Int64]
        var committed: [TopicPartition: Int64]

        init(_ cluster: Cluster) async throws {
            sessions = try await cluster.store.listSessions(after: nil, limit: 1000).items.sorted { $0.id < $1.id }
            ends = []
            for topic in [cluster.requestsTopic, cluster.eventsTopic] {
                for partition in 0..<Int32(cluster.partitions) {
                    let place = TopicPartition(topic: topic, partition: partition)
                    ends.append(try await cluster.admin.watermarks(place).high)
                }
            }
            committed = try await cluster.committedOffsets()
        }
    }

    private func record(
        _ cluster: Cluster, sessions: Int, turns: Int, program: String? = nil
    ) async throws {
        let worker = try await cluster.startWorker("worker", ["--hosts", "1"])
        var messages: [(session: String, text: String)] = []
        for turn in 0..<turns {
            for session in 0..<sessions {
                messages.append(("s\(session)", program ?? "question \(turn) of \(session)"))
            }
        }
        let sent = try await cluster.send(messages)
        try await eventually(timeout: .seconds(120), every: .milliseconds(200)) {
            let committed = try await cluster.committedOffsets()
            return sent.allSatisfy { committed[$0.partition] ?? 0 > $0.offset }
        }
        worker.signal(SIGTERM)
        _ = try await worker.end(within: .seconds(30))
    }

    @Test(
        "A thousand recorded turns with the same agent are a thousand same, and nothing that is live has changed",
        .timeLimit(.minutes(10)))
    func thousand() async throws {
        try await withCluster(.tansu, "thousand") { cluster in
            try await record(cluster, sessions: 50, turns: 20)
            let before = try await Live(cluster)
            let replay = try await cluster.run(["replay", "--name", "same", "--json"])
            try require("the end: \(replay.errorText)", replay.ending, equals: .done)
            let summary = try Summary(replay.outputText)
            try require("same", summary.same, equals: 1000)
            try require("lines", summary.lines.count, equals: 1000)
            try require("what is live", try await Live(cluster), equals: before)
            let events = try await cluster.records(
                on: "\(cluster.eventsTopic).replay-same", partitions: cluster.partitions)
            let completed = events.count { $0.headerString("control") == "turn-complete" }
            try require("the replay's own answers", completed, equals: 1000)

            // Given the same name, it goes on: all of it is there.
            let again = try await cluster.run(["replay", "--name", "same", "--json"])
            try require("same, once more", try Summary(again.outputText).same, equals: 1000)
            let ends = try await cluster.records(
                on: "\(cluster.eventsTopic).replay-same", partitions: cluster.partitions)
            try require("events of a replay that was done", ends.count, equals: events.count)
        }
    }

    @Test("Another agent's answers are told word by word, for the range that was asked for", .timeLimit(.minutes(10)))
    func different() async throws {
        try await withCluster(.tansu, partitions: 1, "different") { cluster in
            // Nobody carries the tool out, and the answer waits; the new agent's tool is not called, and has an error.
            try await record(cluster, sessions: 1, turns: 6, program: "#script\nsay first\ntool ask {}\nsay then")
            let agent = cluster.directory.path("agent.yaml")
            let tool = "{name: ask, description: Asks., input: {type: object}, http: {url: 'http://127.0.0.1:9/'}}"
            try Data("tools:\n  - \(tool)\n".utf8).write(to: URL(filePath: agent))
            let replay = try await cluster.run([
                "replay", "--name", "other", "--agent", agent, "--from", "2", "--to", "5", "--json",
            ])
            try require("the end: \(replay.errorText)", replay.ending, equals: .exited(1))
            let summary = try Summary(replay.outputText)
            try require("offsets", summary.lines.map { $0["offset"]?.int }, equals: [2, 3, 4])
            try require("failed", summary.failed, equals: 0)
            try require("different: \(replay.outputText)", summary.different, equals: 3)
            let diff = summary.lines.compactMap { $0["diff"]?.arrayValue }.first ?? []
            let kinds = Set(diff.compactMap { $0.arrayValue?.first?.stringValue })
            try require("kinds of segments", kinds, equals: ["same", "added"])
            let again = try await cluster.run(["replay", "--name", "other", "--from", "2", "--to", "5"])
            try require("the end of another replay of that name", again.ending, equals: .exited(2))
            let page = try String(
                contentsOfFile: cluster.directory.path(".carryon/replay-other/report.html"), encoding: .utf8)
            try require("the page shows it", page.contains("<ins>") && page.contains("was not called"), equals: true)
        }
    }

    @Test(
        "Killed in the middle, a replay goes on where it was, and reports every turn once", .timeLimit(.minutes(10)))
    func killed() async throws {
        try await withCluster(.tansu, "killed") { cluster in
            try await record(cluster, sessions: 10, turns: 10)
            let arguments = ["replay", "--name", "half", "--json", "--model-interval", "3ms", "--turns", "4"]
            let first = try await cluster.start(arguments, name: "first")
            let journal = cluster.directory.path(".carryon/replay-half/turns.jsonl")
            try await eventually(timeout: .seconds(40), every: .milliseconds(20)) {
                let lines = (try? String(contentsOfFile: journal, encoding: .utf8))?.split(separator: "\n").count ?? 0
                return lines >= 20
            }
            first.signal(SIGKILL)
            _ = try await first.end(within: .seconds(10))
            let second = try await cluster.run(arguments)
            let summary = try Summary(second.outputText)
            try require("same: \(second.errorText)", summary.same, equals: 100)
            let places = summary.lines.map { "\($0["session"]?.stringValue ?? "") \($0["turn"]?.int ?? -1)" }
            try require("turns that were reported once", Set(places).count, equals: 100)
        }
    }

    @Test("What was never settled is settled once, and the workers pass over it", .timeLimit(.minutes(10)))
    func resume() async throws {
        try await withCluster(.tansu, "resume") { cluster in
            try await record(cluster, sessions: 4, turns: 3)
            let sent = try await cluster.send((0..<8).map { ("s\($0 % 4)", "later \($0)") })
            let resumed = try await cluster.run(["replay", "resume", "--json", "--ignore-members"])
            try require("the end: \(resumed.errorText)", resumed.ending, equals: .done)
            let rows = try JSON(parsing: Array(resumed.outputText.utf8)).arrayValue ?? []
            func sum(_ name: String) -> Int { rows.reduce(0) { $0 + ($1[name]?.int ?? 0) } }
            try require("settled now", sum("settled"), equals: 8)
            try require("were settled", sum("passed"), equals: 12)
            _ = try await cluster.startWorker("second")
            try await eventually(timeout: .seconds(60), every: .milliseconds(100)) {
                let committed = try await cluster.committedOffsets()
                return sent.allSatisfy { committed[$0.partition] ?? 0 > $0.offset }
            }
            for session in 0..<4 {
                let events = try await cluster.events(of: "s\(session)")
                try events.checkGapless()
                try require("turns", events.turnsCompleted.map(\.turn), equals: Array(0..<5))
            }
        }
    }

    @Test(
        "A store that is restored from a backup gets what was answered since from the events, and no answer is given twice",
        .timeLimit(.minutes(10)))
    func restored() async throws {
        try await withCluster(.tansu, "restored") { cluster in
            try await record(cluster, sessions: 4, turns: 3)
            let path = cluster.directory.path("restored.sqlite")
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(
                    atPath: cluster.directory.path("sessions.sqlite") + suffix, toPath: path + suffix)
            }
            try await record(cluster, sessions: 4, turns: 2)
            let before = try await Live(cluster).ends
            let variables = ["CARRYON_STORE": "sqlite:\(path)"]
            let resumed = try await cluster.run(
                ["replay", "resume", "--json", "--ignore-members"], variables: variables)
            try require("the end: \(resumed.errorText)", resumed.ending, equals: .done)
            let rows = try JSON(parsing: Array(resumed.outputText.utf8)).arrayValue ?? []
            func sum(_ name: String) -> Int { rows.reduce(0) { $0 + ($1[name]?.int ?? 0) } }
            try require("settled now", sum("settled"), equals: 0)
            try require("were settled", sum("passed"), equals: 20)
            try require("the ends of the topics", try await Live(cluster).ends, equals: before)
            let verified = try await cluster.run(["verify"], variables: variables)
            try require("what verify finds: \(verified.outputText)", verified.ending, equals: .done)
        }
    }

    @Test("Killed in the middle, a resume is begun again, and nothing is answered twice", .timeLimit(.minutes(10)))
    func killedResume() async throws {
        try await withCluster(.tansu, "killed resume") { cluster in
            try await record(cluster, sessions: 4, turns: 1)
            let question = Counting.program(to: 15, every: "30ms")
            let sent = try await cluster.send((0..<24).map { ("s\($0 % 4)", question) })
            let arguments = ["replay", "resume", "--json", "--ignore-members"]
            let first = try await cluster.start(arguments, name: "first")
            try await eventually(timeout: .seconds(60), every: .milliseconds(20)) {
                for session in 0..<4 {
                    if let turns = try await cluster.store.sessionHead("s\(session)")?.turns, turns >= 3 { return true }
                }
                return false
            }
            first.signal(SIGKILL)
            _ = try await first.end(within: .seconds(10))
            let second = try await cluster.run(arguments)
            try require("the end: \(second.errorText)", second.ending, equals: .done)
            for request in sent {
                let stored = try await cluster.store.loadSession(request.session ?? "")
                try require("\(request) is settled", stored?.hasSettled(request), equals: true)
            }
            for session in 0..<4 {
                let events = try await cluster.events(of: "s\(session)")
                try events.checkGapless()
                try require("turns", events.turnsCompleted.map(\.turn), equals: Array(0..<7))
                for turn in 1..<7 {
                    try require("the answer", try events.answer(turn: turn).text, equals: Counting.answer(to: 15))
                }
            }
            let verified = try await cluster.run(["verify"])
            try require("what verify finds: \(verified.outputText)", verified.ending, equals: .done)
        }
    }

    @Test("Answered anew, a session has new turns, and its old history in a branch", .timeLimit(.minutes(10)))
    func again() async throws {
        try await withCluster(.tansu, "again") { cluster in
            try await record(cluster, sessions: 1, turns: 4)
            let old = try #require(try await cluster.store.loadSession("s0"))
            let dry = try await cluster.run(["replay", "again", "s0", "--from-turn", "2"])
            try require("the end of a dry run: \(dry.errorText)", dry.ending, equals: .done)
            try require("the session after a dry run", try await cluster.store.loadSession("s0"), equals: old)
            let wrong = try await cluster.run(["replay", "again", "s0", "--from-turn", "2", "--confirm", "s1"])
            try require("the end with another session's name", wrong.ending, equals: .exited(2))

            _ = try await cluster.startWorker("second")
            let done = try await cluster.run(["replay", "again", "s0", "--from-turn", "2", "--confirm", "s0"])
            try require("the end: \(done.errorText)", done.ending, equals: .done)
            try await eventually(timeout: .seconds(60), every: .milliseconds(100)) {
                try await cluster.store.sessionHead("s0")?.turns == 6
            }
            let new = try #require(try await cluster.store.loadSession("s0"))
            try require("how many messages", new.messages.count, equals: 8)
            try require("what stays", Array(new.messages.prefix(4)), equals: Array(old.messages.prefix(4)))
            try require("who answered anew", new.messages.suffix(4).map(\.turn), equals: [4, 4, 5, 5])
            let branches = try await cluster.store.listSessions(after: nil, limit: 10).items.map(\.id)
                .filter { $0.hasPrefix("s0.branch-") }
            try require("branches", branches.count, equals: 1)
            try require(
                "the branch", try await cluster.store.loadSession(branches[0])?.messages, equals: old.messages)
            try await cluster.events(of: "s0").checkGapless()
            let verified = try await cluster.run(["verify"])
            try require("what verify finds: \(verified.outputText)", verified.ending, equals: .done)
        }
    }
}
