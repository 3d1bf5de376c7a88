import Foundation
import Kafka
import SessionStore
import TestSupport

/// The store of a run, and what can be done to it: one thing at a time.
actor StoreUnderTest {
    private enum Place {
        case file(String)
        case server(PostgresServer, database: String)
    }

    private let place: Place
    private var isBusy = false
    private var lastHurt: ContinuousClock.Instant?

    /// What a worker's setting for the store is.
    nonisolated let setting: String

    init(_ kind: StoreKind, directory: URL) async throws {
        switch kind {
        case .sqlite:
            let path = directory.appending(path: "sessions.sqlite").path(percentEncoded: false)
            place = .file(path)
            setting = "sqlite:\(path)"
        case .postgres:
            let server = try await PostgresServer.start()
            let database = try await server.createDatabase()
            place = .server(server, database: database)
            setting = database
        }
    }

    /// A store of the conductor's own, for looking into.
    func open() throws -> any SessionStore {
        switch place {
        case .file(let path): try SQLiteSessionStore(path: path, logger: Stage.quiet)
        case .server(_, let database): try PostgresSessionStore(url: database, logger: Stage.quiet)
        }
    }

    /// An empty store of the same kind, with what a worker's setting for it is.
    func makeAnother() async throws -> (setting: String, store: any SessionStore) {
        switch place {
        case .file(let path):
            let other = path + "-again"
            return ("sqlite:\(other)", try SQLiteSessionStore(path: other, logger: Stage.quiet))
        case .server(let server, _):
            let database = try await server.createDatabase()
            return (database, try PostgresSessionStore(url: database, logger: Stage.quiet))
        }
    }

    /// - Returns: false, as all of these do, if the store is no server, or something is being done to it.
    func kill(downFor duration: Duration) async throws -> Bool {
        try await hurt { server, _ in
            try await Self.onThread { server.kill() }
            try? await Task.sleep(for: duration)
            try await server.start()
        }
    }

    func restart() async throws -> Bool {
        try await hurt { server, _ in
            try await server.shutDown()
            try await server.start()
        }
    }

    func freeze(for duration: Duration) async -> Bool {
        let isDone = try? await hurt { server, _ in
            server.stop()
            try? await Task.sleep(for: duration)
            server.resume()
        }
        return isDone == true
    }

    func cut() async throws -> Bool {
        try await hurt { server, database in
            // The conductor's own connections are hurt like everybody's.
            try await server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()", at: database)
        }
    }

    /// Whether somebody who came in these last seconds may have found it away.
    var wasAway: Bool { isBusy || lastHurt.map { .now - $0 < .seconds(15) } == true }

    /// Ends the server, if there is one.
    func end() async throws {
        if case .server(let server, _) = place { try await Self.onThread { server.kill() } }
    }

    private func hurt(_ body: @Sendable (PostgresServer, _ database: String) async throws -> Void) async throws -> Bool
    {
        guard case .server(let server, let database) = place, !isBusy else { return false }
        isBusy = true
        defer {
            isBusy = false
            lastHurt = .now
        }
        try await body(server, database)
        return true
    }

    /// Killing waits for the end of all of the server's processes, and blocks its thread meanwhile.
    private static func onThread(_ body: @escaping @Sendable () -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            do {
                try DedicatedThread.start(name: "store-killer", operation: "kill the store") {
                    body()
                    continuation.resume()
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}
