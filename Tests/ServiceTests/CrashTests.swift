import Consumer
import Conversation
import Foundation
import Kafka
import SessionStore
import TestSupport
import Testing

/// A way for a turn host to die by its own request, and what is to be said of it.
struct DeathCase: Sendable, CustomTestStringConvertible {
    /// A step of the scripted model's program.
    let step: String
    let kind: RunEnd
    /// How the run's recorded cause begins.
    let cause: String
    var flags: [String] = []

    var testDescription: String { step }

    static let all = [
        DeathCase(step: "crash SEGV", kind: .crashed, cause: "SIGSEGV"),
        DeathCase(step: "crash TERM", kind: .crashed, cause: "SIGTERM"),
        DeathCase(step: "crash ABRT", kind: .crashed, cause: "SIGABRT"),
        DeathCase(step: "crash KILL", kind: .crashed, cause: "SIGKILL"),
        DeathCase(
            step: "allocate 2GiB", kind: .outOfMemory, cause: "out of memory",
            flags: ["--host-memory-limit", "300MB"]),
    ]
    .filter { isAskedFor($0.step) }
}

@Suite("Turn hosts that die by what they are asked to do", .enabled(if: Tansu.isAvailable))
struct CrashTests {
    @Test(
        "The answer goes on after its host's death, and the recorded cause is the true one", .timeLimit(.minutes(10)),
        arguments: DeathCase.all)
    func deathInMidAnswer(_ death: DeathCase) async throws {
        try await withCluster(.tansu, death.step) { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            _ = try await cluster.startWorker("worker", death.flags)
            let question = "#script\ntokens 10 10ms\n\(death.step) upto 1\ntokens 10 10ms"
            let sent = try await cluster.send(question, to: "s")
            await watch.add([sent])
            // A death in company would be recorded as one.
            try await watch.waitForAll([sent], timeout: .seconds(60))
            // The same program without the death in it says what an uninterrupted answer is.
            let other = try await cluster.send("#script\ntokens 10 10ms\ntokens 10 10ms", to: "reference")
            await watch.add([other])
            try await watch.waitForAll([other], timeout: .seconds(60))
            try await watch.finish()
            let answer = try await cluster.events(of: "reference").answer(turn: 0).text
            let once = Counting.answer(to: 10)
            try require("the uninterrupted answer", answer, equals: once + once)
            let events = try await cluster.checkConversation("s", [ExpectedTurn(question: question, answer: answer)])
            try check(death, events, try await cluster.runs(of: "s"))
        }
    }

    private func check(_ death: DeathCase, _ events: SessionEvents, _ runs: [StoredRun]) throws {
        try require("the runs", runs.map(\.status), equals: [.interrupted, .completed])
        try require("the kind of the first run's end", runs.first?.causeKind, equals: death.kind)
        guard let cause = runs.first?.cause, cause.hasPrefix(death.cause) else {
            throw Discrepancy("the first run's cause", expected: death.cause, came: runs.first?.cause as Any)
        }
        try require("the causes told to the reader", events.recoveryCauses, equals: [death.kind.rawValue])
    }

    @Test(
        "Invariant 7: a request that always kills its host is dead-lettered, and the partition goes on",
        .timeLimit(.minutes(10)))
    func crashLoop() async throws {
        try await withCluster(.tansu, partitions: 1, "crash loop") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            _ = try await cluster.startWorker("worker", ["--hosts", "\(Self.hosts)"])
            let neighbours = Self.neighbours(of: "culprit", count: 4)
            let question = "#script\ntokens 5\ncrash SEGV"
            var messages = neighbours.map { ("\($0)", "before") } + [("culprit", question)]
            messages += neighbours.map { ("\($0)-late", "after") }
            let sent = try await cluster.send(messages)
            await watch.add(sent)
            try await watch.waitForAll(sent, timeout: .seconds(90))
            try await watch.finish()
            try await checkCulprit(cluster, sent[neighbours.count], question)
            for neighbour in neighbours {
                try await checkNeighbour(cluster, neighbour, "before")
                try await checkNeighbour(cluster, "\(neighbour)-late", "after")
            }
        }
    }

    private static let hosts = 3

    /// Sessions that live, in both spellings, in other hosts than this one.
    private static func neighbours(of session: String, count: Int) -> [String] {
        func host(_ session: String) -> UInt64 { StableHash.of(session) % UInt64(hosts) }
        let candidates = (0..<1_000).lazy.map { "neighbour-\($0)" }
        return Array(
            candidates.filter { host($0) != host(session) && host("\($0)-late") != host(session) }.prefix(count))
    }

    @Test(
        "Invariant 7: an answer in the same host as requests that always kill it is not given up for its neighbours",
        .timeLimit(.minutes(10)))
    func company() async throws {
        try await withCluster(.tansu, partitions: 1, "company") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            _ = try await cluster.startWorker("worker")
            let question = Counting.program(to: 100, every: "100ms")
            let long = try await cluster.send(question, to: "long")
            await watch.add([long])
            try await cluster.waitForText(of: "long")
            // More deaths around it than one request's budget has.
            let culprits = try await cluster.send((0..<3).map { ("culprit-\($0)", "#script\ntokens 5\ncrash SEGV") })
            await watch.add(culprits)
            try await watch.waitForAll(culprits + [long], timeout: .seconds(90))
            try await watch.finish()
            let letters = try await cluster.deadLetters()
            try require(
                "the dead letters' sessions", Set(letters.compactMap(\.keyString)),
                equals: ["culprit-0", "culprit-1", "culprit-2"])
            try require(
                "the dead letters' attempts", letters.map { $0.headerString("attempts") }, equals: ["3", "3", "3"])
            let ends = try await cluster.runs(of: "long").compactMap(\.causeKind)
            try require("charged ends of the neighbour's runs", ends.filter(\.isCharged), equals: [])
            try await cluster.checkConversation(
                "long", [ExpectedTurn(question: question, answer: Counting.answer(to: 100))])
        }
    }

    @Test(
        "Invariant 7: of two hundred turns beside one that always kills its host, all are answered and none is charged",
        .timeLimit(.minutes(10)))
    func crowd() async throws {
        try await withCluster(.tansu, partitions: 4, "crowd") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            _ = try await cluster.startWorker("worker", ["--hosts", "2"])
            let question = Counting.program(to: 50, every: "100ms")
            let crowd = try await cluster.send((0..<200).map { ("healthy-\($0)", question) })
            await watch.add(crowd)
            try await cluster.waitForText(of: "healthy-199")
            let culprit = try await cluster.send("#script\ntokens 5\ncrash SEGV", to: "culprit")
            await watch.add([culprit])
            try await watch.waitForAll(crowd + [culprit], timeout: .seconds(120))
            try await watch.finish()
            let letters = try await cluster.deadLetters()
            try require("the dead letters' sessions", letters.compactMap(\.keyString), equals: ["culprit"])
            let records = try await cluster.eventRecords()
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 50))
            for request in crowd {
                let session = request.session ?? ""
                try await cluster.checkConversation(session, [turn], records: records)
                let charged = try await cluster.runs(of: session).filter { $0.causeKind?.isCharged == true }
                try require("charged ends of \(session)'s runs", charged.map(\.id), equals: [])
            }
        }
    }

    @Test(
        "A request that kills its host twice, is handed over in a deploy, and then works is answered: the deploy counts for nothing",
        .timeLimit(.minutes(10)))
    func twiceAndADeploy() async throws {
        try await withCluster(.tansu, partitions: 1, "twice and a deploy") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            // Three charged deaths would be one too many.
            let flags = ["--crash-attempts", "3", "--drain-timeout", "300ms"]
            let first = try await cluster.startWorker("first", flags)
            let question = "#script\ntokens 5\ncrash SEGV upto 2\ntokens 80 100ms"
            let sent = try await cluster.send(question, to: "s")
            await watch.add([sent])
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.events(of: "s").answer(turn: 0).text.contains(" 6 7")
            }
            first.signal(SIGTERM)
            try require("the worker's end", try await first.end(within: .seconds(20)), equals: .done)
            _ = try await cluster.startWorker("second", flags)
            try await watch.waitForAll([sent], timeout: .seconds(60))
            try await watch.finish()
            let answer = Counting.answer(to: 5) + Counting.answer(to: 80)
            try await cluster.checkConversation("s", [ExpectedTurn(question: question, answer: answer)])
            let ends = try await cluster.runs(of: "s").map(\.causeKind)
            try require("how the runs ended", ends, equals: [.crashed, .crashed, .handover, nil])
        }
    }

    private func checkCulprit(_ cluster: Cluster, _ request: SentRequest, _ question: String) async throws {
        let runs = try await cluster.runs(of: "culprit")
        // Three runs that died, and a record of the one that gave the request up without a model.
        try require(
            "the culprit's runs", runs.map(\.status), equals: [.interrupted, .interrupted, .interrupted, .deadLettered])
        try require("their causes", runs.prefix(3).map(\.cause), equals: ["SIGSEGV", "SIGSEGV", "SIGSEGV"])
        let events = try await cluster.events(of: "culprit")
        try events.checkGapless()
        try require("turn-complete records", events.turnsCompleted.map(\.outcome), equals: [.deadLettered])
        let errors = events.kept.filter { if case .chunk(.error) = $0.body { true } else { false } }
        try require("error chunks", errors.count, equals: 1)
        let letters = try await cluster.deadLetters()
        try require("dead letters", letters.count, equals: 1)
        try require("the dead letter's cause", letters.first?.headerString("cause"), equals: "crash-loop")
        try require("the dead letter's attempts", letters.first?.headerString("attempts"), equals: "3")
        try require(
            "the dead letter's offset", letters.first?.headerString("kafka_dlt-original-offset"),
            equals: "\(request.offset)")
        let value: JSON = ["type": "message", "text": .string(question)]
        try require("the dead letter's value", letters.first?.value, equals: value.serialized())
    }

    /// Whatever its host went through, a neighbour's history is that of an ordinary conversation.
    private func checkNeighbour(_ cluster: Cluster, _ session: String, _ question: String) async throws {
        let stored = try await cluster.store.loadSession(session)
        let messages = try (stored?.messages ?? []).map { try Message(parsing: $0.body) }
        try require("\(session)'s transcript", messages.map(\.role), equals: [.user, .assistant])
        let answer = messages.last?.text ?? ""
        guard answer.contains(question) else {
            throw Discrepancy("\(session)'s answer", expected: "a restatement of '\(question)'", came: answer)
        }
        try await cluster.checkConversation(session, [ExpectedTurn(question: question, answer: answer)])
    }
}
