import Foundation
import GRDB
package import Logging

/// A session store in one SQLite file. Several processes of one machine may have it open at once.
///
/// Writes go through one thread in groups (``GroupCommitter``); reads run on connections of their own and never wait
/// for a write. Beside `PATH` lie SQLite's `PATH-wal` and `PATH-shm`, and the locks `PATH.line` and `PATH.turn`; do not
/// delete any of them while a process has the store open.
package final class SQLiteSessionStore: SessionStore {
    let pool: DatabasePool
    let committer: GroupCommitter

    /// Opens or creates the file, and its directory, and migrates an older schema.
    ///
    /// Blocks the calling thread for as long as another process is in the middle of a write or a migration.
    ///
    /// - Parameters:
    ///   - path: The file. The store's other files lie beside it.
    ///   - logger: Gets what does not concern any single call.
    ///   - onStep: For fault injection: called on the store's own thread at each ``CommitStep``.
    /// - Throws: `schemaTooNew` if a newer version wrote the file, `corrupt` if it is not a session store,
    ///   `unavailable`
    ///   or `diskFull` if it cannot be written.
    package init(
        path: String, logger: Logger = Logger(label: "carryon.store"),
        onStep: (@Sendable (CommitStep) -> Void)? = nil
    ) throws(StoreError) {
        do {
            let directory = URL(fileURLWithPath: path).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            let writerTurn = try WriterTurn(databasePath: path)
            try writerTurn.take()
            defer { writerTurn.give() }
            pool = try DatabasePool(path: path, configuration: Self.configuration)
            try pool.writeWithoutTransaction { database in
                // After the pool was made: it sets NORMAL, with which a committed settlement may be lost with the
                // power.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                // A checkpoint writes each page once, however often it changed: fewer of them mean less writing.
                try database.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
                try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
                // The readers keep the 2 MB that SQLite gives: they lose what they hold with each transaction written.
                try database.execute(sql: "PRAGMA cache_size = -16000")
                try SQLiteSchema.migrate(database, path: path)
            }
            committer = GroupCommitter(pool: pool, writerTurn: writerTurn, logger: logger, onStep: onStep)
        } catch {
            throw StoreError(error, while: "opening \(path)")
        }
        committer.start()
    }

    deinit {
        committer.stop()
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "session-store"
        configuration.maximumReaderCount = 4
        // Our own writers take turns; this is for foreign ones, such as a backup tool.
        configuration.busyMode = .timeout(10)
        return configuration
    }

    /// An empty transaction of the thread that writes: it needs that thread, this process's turn and a file that can be
    /// locked for writing.
    package func probe() async throws(StoreError) {
        try await committer.submit("probing the store") { _ in }
    }

    package func close() async throws(StoreError) {
        committer.stop()
        await committer.waitForEnd()
    }

    func read<Output: Sendable>(
        _ operation: @autoclosure () -> String, _ body: @Sendable (Database) throws -> Output
    ) async throws(StoreError) -> Output {
        do {
            return try await pool.read(body)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_MISUSE {
            throw StoreError.closed(while: operation())
        } catch {
            throw StoreError(error, while: operation())
        }
    }
}
