import Conversation
import Foundation
import Kafka
import SessionStore
import TestSupport
import Testing
import TurnHost

@Suite("Workers that are changed while they run", .timeLimit(.minutes(10)))
struct LiveServiceTests {
    /// A cluster, a worker in it, and how to give the worker orders from the command line.
    private struct Scene {
        let cluster: Cluster
        let address: String
        let probe: Probe
        let worker: CarryonProcess

        static func start(_ cluster: Cluster, _ flags: [String] = []) async throws -> Scene {
            let port = Int(try LoopbackSocket.freePort())
            let address = "127.0.0.1:\(port)"
            let worker = try await cluster.startWorker("worker-\(port)", ["--admin-address", address] + flags)
            let scene = Scene(cluster: cluster, address: address, probe: Probe(port: port), worker: worker)
            try await scene.probe.wait(for: "readyz") { status, _ in status == 200 }
            return scene
        }

        /// Runs `carryon admin`, and returns what it says of the worker.
        @discardableResult
        func admin(_ arguments: [String], ending: ProcessEnding = .exited(0)) async throws -> JSON {
            let run = try await cluster.run(["admin"] + arguments + ["--worker", address, "--json"])
            try require(
                "the end of admin \(arguments): \(run.errorText)", try await run.end(within: .seconds(60)),
                equals: ending)
            return try JSON(parsing: Array(run.outputText.utf8))
        }

        func settled(_ request: SentRequest) async throws {
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.store.loadSession(request.session ?? "")?.hasSettled(request) == true
            }
        }
    }

    @Test("Higher concurrency lets turns begin that wait, and shows where its value comes from")
    func concurrency() async throws {
        try await withCluster(.embedded, partitions: 1, "live concurrency") { cluster in
            let scene = try await Scene.start(cluster, ["--concurrency", "1"])
            _ = try await cluster.send("#script\ntokens 2000 50ms", to: "long")
            try await cluster.waitForText(of: "long")
            let waiting = try await cluster.send("hello", to: "waiting")
            try await scene.probe.wait(for: "status") { _, body in
                body["partitions"]?.arrayValue?.first?["held"]?.int == 2
            }
            try require("events of a turn that waits", try await cluster.events(of: "waiting").written.count, equals: 0)
            let refused = try await scene.admin(["set", "concurrency=2", "hosts=3"], ending: .exited(2))
            try require("why it is refused", refused["error"]?["code"]?.stringValue, equals: "not_live")
            let changed = try await scene.admin(["set", "concurrency=2"])
            let setting = changed["settings"]?.arrayValue?.first
            try require("its value", setting?["value"]?.int, equals: 2)
            try await scene.settled(waiting)
            try require(
                "turns of the one that runs", try await cluster.events(of: "long").turnsCompleted.count, equals: 0)
            let shown = try await cluster.run(["admin", "--worker", scene.address])
            guard shown.outputText.contains("changed while running"),
                shown.outputText.contains("--crash-attempts") == false
            else { throw Discrepancy("admin settings", expected: "where the value comes from", came: shown.outputText) }
        }
    }

    @Test("A paused partition stands still while another goes on, says why, and goes on when it is resumed")
    func pause() async throws {
        try await withCluster(.embedded, partitions: 2, "live pause") { cluster in
            let scene = try await Scene.start(cluster)
            let first = try await cluster.send([("a", "hello"), ("b", "hello")])
            try require("their partitions", Set(first.map(\.partition.partition)), equals: [0, 1])
            for request in first { try await scene.settled(request) }
            let stopped = first[0].partition.partition
            let paused = try await scene.admin(["pause", "\(stopped)", "--reason", "a bad batch"])
            try require("that it is paused", paused["paused"]?.bool, equals: true)
            try require("that it is here", paused["assigned"]?.bool, equals: true)
            let more = try await cluster.send([("a", "again"), ("b", "again"), ("b", "and again")])
            for request in more.dropFirst() { try await scene.settled(request) }
            try require("turns in it", try await cluster.store.loadSession("a")?.turns, equals: 1)
            let ready = try await scene.probe.ask("readyz")
            try require("that the worker is ready", ready.status, equals: 200)
            let check = ready.body["checks"]?.arrayValue?.first { $0["name"]?.stringValue == "paused" }
            try require(
                "what /readyz says", check?["detail"]?.stringValue,
                equals: "\(cluster.requestsTopic)-\(stopped) is paused: a bad batch")
            let status = try await scene.probe.ask("status").body["partitions"]?.arrayValue
            let reasons = status?.map { $0["pauseReason"]?.stringValue }
            try require("what /status says", reasons?.compactMap(\.self), equals: ["a bad batch"])
            try require(
                "no such partition",
                try await scene.admin(["pause", "7", "--reason", "x"], ending: .exited(2))["error"]?["code"],
                equals: "no_such_partition")
            try await scene.admin(["resume", "\(stopped)"])
            try await scene.settled(more[0])
            try await cluster.checkConversation("a", Self.restated(["hello", "again"], in: cluster, "a"))
        }
    }

    /// What was really said: the scripted model restates the question and counts.
    private static func restated(_ questions: [String], in cluster: Cluster, _ session: String) async throws
        -> [ExpectedTurn]
    {
        let messages =
            try await cluster.store.loadSession(session)?.messages.map { try Message(parsing: $0.body) } ?? []
        let answers = messages.filter { $0.role == .assistant }.map(\.text)
        return zip(questions, answers).map { ExpectedTurn(question: $0, answer: $1) }
    }

    @Test(
        """
        A parked session's requests are set aside with the reason while others go on and commit, also after the worker's \
        death, and are answered once and in order when it is released
        """)
    func park() async throws {
        try await withCluster(.embedded, partitions: 1, "live park") { cluster in
            let scene = try await Scene.start(cluster)
            try await scene.settled(try await cluster.send("zero", to: "s"))
            let parked = try await scene.admin(["park", "s", "--reason", "its tool is down"])
            try require("its state", parked["state"]?.stringValue, equals: "parked")
            let one = try await cluster.send("one", to: "s")
            let other = try await cluster.send("hello", to: "other")
            for request in [one, other] { try await scene.settled(request) }
            try await eventually(timeout: .seconds(30), every: .milliseconds(50)) {
                let committed = try await scene.probe.ask("status").body["partitions"]?.arrayValue?.first?["committed"]
                return committed?.int == Int(other.offset) + 1
            }

            scene.worker.signal(SIGKILL)
            let next = try await Scene.start(cluster)
            let two = try await cluster.send("two", to: "s")
            let late = try await cluster.send("hello", to: "late")
            for request in [two, late] { try await next.settled(request) }
            let letters = try await cluster.deadLetters()
            try require("the causes", letters.map { $0.headerString("cause") }, equals: ["parked", "parked"])
            try require(
                "the reasons", letters.map { $0.headerString("kafka_dlt-exception-message") },
                equals: ["its tool is down", "its tool is down"])
            try require("its turns", try await cluster.store.loadSession("s")?.turns, equals: 1)
            let list = try await next.admin(["parked"])
            try require("the list", list["parked"]?.arrayValue?.map { $0["session"]?.stringValue }, equals: ["s"])

            let released = try await next.admin(["release", "s"])
            try require("what becomes of it", released["state"]?.stringValue, equals: "releasing")
            // This one comes in the middle of it, and must not overtake the others.
            let three = try await cluster.send("three", to: "s")
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.store.parkedSessions().isEmpty
            }
            try await next.settled(three)
            try await next.settled(try await cluster.send("four", to: "s"))
            try await eventually(timeout: .seconds(30), every: .milliseconds(50)) {
                try await cluster.store.loadSession("s")?.turns == 5
            }
            let messages =
                try await cluster.store.loadSession("s")?.messages.map { try Message(parsing: $0.body) } ?? []
            try require(
                "the questions", messages.filter { $0.role == .user }.map(\.text),
                equals: ["zero", "one", "two", "three", "four"])
            try require("the turns", messages.count, equals: 10)
            let events = try await cluster.events(of: "s")
            try events.checkGapless()
            try require("complete turns", events.turnsCompleted.map(\.turn), equals: [0, 1, 2, 3, 4])
            try require(
                "letters left", try await cluster.run(["dead-letters", "list", "--json"]).outputText, equals: "")
            try require(
                "a second release", try await next.admin(["release", "s"])["state"]?.stringValue, equals: "not parked")
        }
    }

    @Test("Each worker is asked, each answer is shown, and one that can't be reached is what the exit status says")
    func severalWorkers() async throws {
        try await withCluster(.embedded, partitions: 1, "live admin") { cluster in
            let scene = try await Scene.start(cluster, ["--admin-key", "secret"])
            let nobody = "127.0.0.1:\(try LoopbackSocket.freePort())"
            let set = ["admin", "set", "concurrency=3", "--json", "--worker", scene.address, "--worker", nobody]
            let locked = try await cluster.run(set)
            try require("its end without the key", try await locked.end(within: .seconds(60)), equals: .exited(2))
            let run = try await cluster.run(set, variables: ["CARRYON_ADMIN_KEY": "secret"])
            try require("its end", try await run.end(within: .seconds(60)), equals: .exited(69))
            let lines = try run.outputText.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
            try require("who was asked", lines.map { $0["worker"]?.stringValue }, equals: [scene.address, nobody])
            try require("what one says", lines[0]["settings"]?.arrayValue?.first?["value"]?.int, equals: 3)
            try require("of the other", lines[1]["error"]?["code"]?.stringValue, equals: "unreachable")
            let wrong = try await cluster.run(["admin", "set", "concurrency", "--worker", scene.address])
            try require("a change without a value", try await wrong.end(within: .seconds(60)), equals: .exited(2))
        }
    }
}
