internal import Foundation
internal import Synchronization

/// A PostgreSQL server of its own: a process that listens on loopback only, with a new data directory, and durable as
/// it is by default. It is killed at the end, also when the process that started it dies.
package final class PostgresServer: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// One server for all tests of a process; each of them has a database of its own.
    package static func shared() async throws -> PostgresServer { try await sharedServer.value }

    private static let sharedServer = Task {
        let server = try await start()
        // Nobody else lets go of it.
        serverAtExit.withLock { $0 = server }
        atexit { PostgresServer.serverAtExit.withLock { $0 }?.remove() }
        return server
    }

    private static let serverAtExit = Mutex<PostgresServer?>(nil)

    /// What the names of all data directories begin with. The number of the process that made one follows.
    private static let prefix = "carryon-postgres"

    package let port: UInt16
    private let directory: TemporaryDirectory
    private let executables: String
    private let certificate: ServerCertificate?
    private let process = Mutex<BrokerProcess?>(nil)
    private let databases = Atomic(0)

    /// Makes a server and waits until it answers.
    /// - Parameter offersTLS: whether it has a certificate, and lets its clients choose.
    /// - Throws: if no server is installed, with what to install.
    package static func start(offersTLS: Bool = false) async throws -> PostgresServer {
        let server = try await PostgresServer(offersTLS: offersTLS)
        try await server.start()
        return server
    }

    private init(offersTLS: Bool) async throws {
        Self.removeOrphans()
        executables = try PostgresExecutables.directory()
        directory = try TemporaryDirectory(prefix: "\(Self.prefix)-\(getpid())")
        port = try LoopbackSocket.freePort()
        certificate = offersTLS ? try await ServerCertificate.make(in: directory) : nil
        if let account = try PostgresExecutables.account() {
            for path in [directory.path("")] + [certificate?.certificate, certificate?.key].compactMap(\.self) {
                guard chown(path, account.pw_uid, account.pw_gid) == 0 else {
                    throw Failure(description: "Could not hand \(path) to the server's account.")
                }
            }
        }
        let (executable, arguments) = try PostgresExecutables.command(
            executables + "/initdb",
            [
                "--pgdata", directory.path("data"), "--username", "carryon", "--auth", "trust", "--encoding", "UTF8",
                "--locale", "C", "--no-sync", "--no-instructions",
            ])
        let initdb = try await BrokerProcess.start(executable, arguments)
        let status = try await eventually(timeout: .seconds(60)) { initdb.status }
        guard status == 0 else { throw Failure(description: "initdb ended with status \(status).") }
    }

    deinit {
        kill()
    }

    /// Starts the server again, on the same port and with the same data.
    /// - Parameter asStandby: as one that waits for another to fail, and can only be read until then.
    package func start(asStandby: Bool = false) async throws {
        guard process.withLock({ $0?.pid }) == nil else {
            throw Failure(description: "The server on port \(port) runs already.")
        }
        let signal = directory.path("data/standby.signal")
        if asStandby {
            try Data().write(to: URL(filePath: signal))
        } else {
            try? FileManager.default.removeItem(atPath: signal)
        }
        let (executable, arguments) = try PostgresExecutables.command(
            executables + "/postgres",
            [
                "-D", directory.path("data"), "-p", "\(port)", "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories=", "-c", "max_connections=1000", "-c", "shared_buffers=64MB",
                "-c", "log_destination=stderr", "-c", "logging_collector=on",
            ] + encryption)
        let started = try await BrokerProcess.start(executable, arguments)
        process.withLock { $0 = started }
        try await eventually(timeout: .seconds(30)) {
            guard started.status == nil else {
                throw Failure(description: "The server on port \(port) ended by itself: see \(directory.url.path).")
            }
            return try await PostgresClient.answers(url(database: "postgres"))
        }
    }

    private var encryption: [String] {
        guard let certificate else { return [] }
        let settings = ["ssl=on", "ssl_cert_file=\(certificate.certificate)", "ssl_key_file=\(certificate.key)"]
        return settings.flatMap { ["-c", $0] }
    }

    /// The file with the certificate of whom to trust, for `sslrootcert`; nil if the server speaks no TLS.
    package var authority: String? { certificate?.authority }

    /// For `CARRYON_STORE`: the server's own first database.
    package var url: String { url(database: "postgres") }

    private func url(database: String) -> String { "postgresql://carryon@127.0.0.1:\(port)/\(database)" }

    /// Makes an empty database and returns its URL.
    package func createDatabase(encoding: String = "UTF8") async throws -> String {
        let number = databases.add(1, ordering: .relaxed).newValue
        let name = "test_\(number)"
        try await execute("CREATE DATABASE \(name) TEMPLATE template0 ENCODING '\(encoding)'")
        return url(database: name)
    }

    /// Runs SQL by a connection of its own and returns the rows of its last statement, NULL as nil.
    /// - Parameter database: the URL; by default, of the server's first database.
    @discardableResult
    package func execute(_ sql: String, at database: String? = nil) async throws -> [[String?]] {
        try await PostgresClient.execute(sql, database ?? url)
    }

    /// Runs one of the programs that come with the server to its end.
    /// - Returns: what it prints.
    package static func run(_ program: String, _ arguments: [String]) async throws -> String {
        try await ProgramOutput.of("\(try PostgresExecutables.directory())/\(program)", arguments)
    }

    /// Freezes the server: connections stay, new ones come about, and nothing is answered.
    package func stop() {
        // The one that makes new ones comes first, then there are no new ones.
        processes().forEach { Foundation.kill($0, SIGSTOP) }
        processes().forEach { Foundation.kill($0, SIGSTOP) }
    }

    /// Ends `stop`.
    package func resume() {
        processes().reversed().forEach { Foundation.kill($0, SIGCONT) }
    }

    /// Ends the server in order: connections are told and broken. Returns when it has ended.
    package func shutDown() async throws {
        let running = process.withLock { $0 }
        running?.signal(SIGINT)
        try await eventually(timeout: .seconds(60)) { running?.status != nil || running == nil }
    }

    /// Kills the server with all its processes, as a lost machine would. May be called again.
    package func kill() {
        let all = processes()
        all.forEach { Foundation.kill($0, SIGKILL) }
        // The next server finds the data in use as long as one of them is there.
        for pid in all {
            for _ in 0..<2_000 where Foundation.kill(pid, 0) == 0 && Self.state(of: pid) != "Z" { usleep(1_000) }
        }
        let killed = process.withLock { $0 }
        for _ in 0..<2_000 where killed?.status == nil && killed != nil { usleep(1_000) }
    }

    /// Kills the server and removes its data.
    private func remove() {
        kill()
        try? FileManager.default.removeItem(at: directory.url)
    }

    /// Removes what processes left behind that were killed.
    private static func removeOrphans() {
        let root = FileManager.default.temporaryDirectory
        for name in (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? [] {
            let parts = name.dropFirst(prefix.count + 1).split(separator: "-", maxSplits: 1)
            guard name.hasPrefix(prefix), let pid = parts.first.flatMap({ pid_t($0) }),
                Foundation.kill(pid, 0) != 0, errno == ESRCH
            else { continue }
            try? FileManager.default.removeItem(at: root.appending(path: name))
        }
    }

    /// The server's first process and those that it has started.
    private func processes() -> [pid_t] {
        guard let first = process.withLock({ $0?.pid }) else { return [] }
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return [first] + all.compactMap { pid_t($0) }.filter { Self.parent(of: $0) == first }
    }

    private static func parent(of pid: pid_t) -> pid_t? { status(of: pid).flatMap { pid_t($0.parent) } }

    private static func state(of pid: pid_t) -> String? { status(of: pid)?.state }

    private static func status(of pid: pid_t) -> (state: String, parent: String)? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        // The name before it may hold anything.
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? (String(fields[0]), String(fields[1])) : nil
    }
}
