import Conversation
import Foundation
import SessionStore
import TestSupport
import Testing

@Suite("A worker's health, asked from outside", .timeLimit(.minutes(10)))
struct AdminTests {
    @Test("A worker says that it lives and is ready, what it works at, and that it is quiet when it was asked to be")
    func life() async throws {
        try await withCluster(.embedded, partitions: 1, "admin") { cluster in
            let port = Int(try LoopbackSocket.freePort())
            let probe = Probe(port: port)
            let worker = try await cluster.startWorker("worker", ["--admin-address", "127.0.0.1:\(port)"])
            try await probe.wait(for: "readyz") { status, _ in status == 200 }
            let alive = try await probe.ask("healthz")
            try require("the answer of a worker that lives", alive.status, equals: 200)

            _ = try await cluster.send("#script\ntokens 400 20ms", to: "s")
            try await cluster.waitForText(of: "s")
            let busy = try await probe.wait(for: "status") { _, body in
                body["hosts"]?.arrayValue?.first?["running"]?.int == 1
            }
            let head = busy["partitions"]?.arrayValue?.first?["head"]
            try require("whose request is the oldest", head?["session"]?.stringValue, equals: "s")
            try require("what it does", head?["state"]?.stringValue, equals: "running in the host of slot 0")

            worker.signal(SIGUSR1)
            let quiet = try await probe.wait(for: "readyz") { status, _ in status == 503 }
            try require("what a quiet worker fails", Probe.failing(quiet), equals: ["intake"])
            try require("its life", try await probe.ask("healthz").status, equals: 200)
            let late = try await cluster.send("are you there?", to: "late")
            // What runs goes on to its end; what is new is not taken.
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.events(of: "s").turnsCompleted.count == 1
            }
            try require("events of what came later", try await cluster.events(of: "late").written.count, equals: 0)
            worker.signal(SIGUSR2)
            try await probe.wait(for: "readyz") { status, _ in status == 200 }
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.store.loadSession("late")?.hasSettled(late) == true
            }
        }
    }

    @Test("A turn host that stands still is noticed and replaced, and its answer goes on")
    func wedgedHost() async throws {
        try await withCluster(.embedded, partitions: 1, "wedged host") { cluster in
            let port = Int(try LoopbackSocket.freePort())
            let probe = Probe(port: port)
            let worker = try await cluster.startWorker(
                "worker", ["--admin-address", "127.0.0.1:\(port)", "--host-timeout", "3s"])
            let question = Counting.program(to: 60, every: "50ms")
            let sent = try await cluster.send(question, to: "s")
            try await cluster.waitForText(of: "s")
            let status = try await probe.wait(for: "status") { _, body in
                body["hosts"]?.arrayValue?.first?["running"]?.int == 1
            }
            let host = try #require(status["hosts"]?.arrayValue?.first?["process"]?.int)
            try require("a child of the worker", worker.family.contains(pid_t(host)), equals: true)
            let name = try String(contentsOfFile: "/proc/\(host)/comm", encoding: .utf8)
            try require("its name in process lists", name, equals: "carryon-host\n")
            kill(pid_t(host), SIGSTOP)
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.store.loadSession("s")?.hasSettled(sent) == true
            }
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 60))
            let events = try await cluster.checkConversation("s", [turn])
            try require("the cause told to the reader", events.recoveryCauses.count, equals: 1)
            let runs = try await cluster.runs(of: "s").map { "\($0.run) \($0.cause ?? "none")" }
            try require("the runs", runs, equals: ["1 has not answered for 3.0 seconds", "2 none"])
        }
    }

    @Test("A worker that is told to listen where somebody else does is refused, with the address")
    func takenPort() async throws {
        try await withCluster(.embedded, partitions: 1, "taken port") { cluster in
            let port = Int(try LoopbackSocket.freePort())
            let probe = Probe(port: port)
            _ = try await cluster.startWorker("first", ["--admin-address", "127.0.0.1:\(port)"])
            try await probe.wait(for: "healthz") { status, _ in status == 200 }
            let second = try await cluster.startWorker("second", ["--admin-address", "127.0.0.1:\(port)"])
            let ending = try await second.end(within: .seconds(60))
            try require("the second worker's end", ending, equals: .exited(2))
            try require(
                "what it says", second.errorText.contains("'admin-address' is 127.0.0.1:\(port), where somebody"),
                equals: true)
        }
    }
}
