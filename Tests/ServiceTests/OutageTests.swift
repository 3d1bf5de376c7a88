import Conversation
import Foundation
import SessionStore
import TestSupport
import Testing

/// Sessions that talk while something is away: half of them in the middle of an answer, the others with their question
/// still to come.
private struct Audience {
    static let question = Counting.program(to: 60, every: "100ms")
    static let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 60))

    let cluster: Cluster
    let watch: CommitWatch
    private(set) var sent: [SentRequest] = []

    init(_ cluster: Cluster) async {
        self.cluster = cluster
        watch = CommitWatch(cluster)
        await watch.start()
    }

    mutating func ask(_ name: String, count: Int = 10) async throws {
        let requests = try await cluster.send((0..<count).map { ("\(name)-\($0)", Self.question) })
        await watch.add(requests)
        sent += requests
    }

    /// Everybody has an answer, once and in order, and no budget was charged for what was nobody's fault.
    func check(within timeout: Duration) async throws {
        try await watch.waitForAll(sent, timeout: timeout)
        try await watch.finish()
        let records = try await cluster.eventRecords()
        for request in sent {
            let session = request.session ?? ""
            try await cluster.checkConversation(session, [Self.turn], records: records)
            let charged = try await cluster.runs(of: session).filter { $0.causeKind?.isCharged == true }
            try require("charged runs of \(session)", charged.map(\.id), equals: [])
        }
    }
}

@Suite("What the service needs goes away under load", .enabled(if: Tansu.isAvailable), .timeLimit(.minutes(10)))
struct OutageTests {
    private static let outage = Duration.seconds(30)

    @Test("PostgreSQL is away for 30 s: nothing is lost, the worker says why it waits, and goes on by itself")
    func postgres() async throws {
        let server = try await PostgresServer.start()
        let store = try TestStore(postgresAt: server.url)
        try await withCluster(.tansu, partitions: 4, store: store, "postgres away") { cluster in
            let port = Int(try LoopbackSocket.freePort())
            let flags = ["--admin-address", "127.0.0.1:\(port)"]
            let worker = try await cluster.startWorker("worker", flags)
            var audience = await Audience(cluster)
            try await audience.ask("before")
            try await cluster.waitForText(of: "before-0")
            try await server.shutDown()
            let back = ContinuousClock.now + Self.outage
            let unready = try await Probe(port: port).wait(for: "readyz") { status, body in
                status == 503 && Probe.failing(body).contains("store")
            }
            let reasons = (unready["checks"]?.arrayValue ?? []).compactMap { $0["detail"]?.stringValue }
            try require(
                "a reason that names the store", reasons.contains { $0.contains("the session store is away") },
                equals: true)
            try require("the worker's life", try await Probe(port: port).ask("healthz").status, equals: 200)
            try await audience.ask("meanwhile")
            try await Task.sleep(until: back, clock: .continuous)
            try await server.start()
            try await Probe(port: port).wait(for: "readyz") { status, _ in status == 200 }
            try await audience.ask("after", count: 2)
            try await audience.check(within: .seconds(90))
            try require("the worker, still the same", worker.ending, equals: nil)
        }
        server.kill()
    }

    @Test("The broker is away for 30 s: nothing is lost, and everything goes on by itself")
    func broker() async throws {
        try await withCluster(.tansu, partitions: 4, hasOwnBroker: true, "broker away") { cluster in
            let worker = try await cluster.startWorker("worker")
            var audience = await Audience(cluster)
            try await audience.ask("before")
            try await cluster.waitForText(of: "before-0")
            let tansu = try #require(cluster.tansu)
            tansu.stop()
            // The outage itself is what is tested, so its length is what it says.
            try await Task.sleep(for: Self.outage)
            tansu.resume()
            try await audience.ask("after")
            try await audience.check(within: .seconds(120))
            try require("the worker, still the same", worker.ending, equals: nil)
        }
    }

    @Test(
        "The disk of a SQLite store is full for a while: nothing is lost, the worker says so, and goes on with room",
        .enabled(if: getuid() == 0, "making a small disk needs root"))
    func diskFull() async throws {
        let disk = try SmallDisk(megabytes: 24)
        defer { disk.unmount() }
        let store = try TestStore(sqliteAt: disk.directory.path("sessions.sqlite"))
        try await withCluster(.tansu, partitions: 4, store: store, "disk full") { cluster in
            let port = Int(try LoopbackSocket.freePort())
            let worker = try await cluster.startWorker("worker", ["--admin-address", "127.0.0.1:\(port)"])
            var audience = await Audience(cluster)
            try await audience.ask("before")
            try await cluster.waitForText(of: "before-0")
            try disk.fill()
            try await Probe(port: port).wait(for: "readyz") { status, _ in status == 503 }
            try await audience.ask("meanwhile")
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                worker.errorText.contains("(disk_full)")
            }
            try disk.makeRoom()
            try await audience.check(within: .seconds(90))
            try require("the worker, still the same", worker.ending, equals: nil)
        }
    }
}

/// A file system of its own with little room.
private struct SmallDisk {
    let directory: TemporaryDirectory
    private var ballast: String { directory.path("ballast") }

    init(megabytes: Int) throws {
        directory = try TemporaryDirectory(prefix: "carryon-small-disk")
        let status = "size=\(megabytes)m".withCString { mount("tmpfs", directory.path(""), "tmpfs", 0, $0) }
        try require("the status of mount", status, equals: 0)
    }

    /// Takes up all the room that is left.
    func fill() throws {
        let descriptor = open(ballast, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        try require("the ballast's file", descriptor >= 0, equals: true)
        defer { close(descriptor) }
        for size in [1 << 20, 4096, 1] {
            let block = [UInt8](repeating: 1, count: size)
            while write(descriptor, block, size) == size {}
        }
    }

    func makeRoom() throws {
        try FileManager.default.removeItem(atPath: ballast)
    }

    func unmount() {
        umount2(directory.path(""), 2)
    }
}
