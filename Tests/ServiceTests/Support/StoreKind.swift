import Foundation
import SessionStore
import TestSupport
import Testing

/// Where the workers of a test keep their sessions.
enum StoreKind: String, Sendable, CaseIterable, CustomTestStringConvertible {
    /// A file that they share.
    case sqlite
    /// A database of their own on the tests' server.
    case postgres

    var testDescription: String { rawValue }
}

/// A store for a test: what its workers are told, and what the test itself looks into.
struct TestStore: Sendable {
    /// For `CARRYON_STORE`.
    let setting: String
    let store: any SessionStore

    init(sqliteAt path: String) throws {
        setting = "sqlite:\(path)"
        store = try SQLiteSessionStore(path: path, logger: Cluster.quiet)
    }

    /// - Parameter url: of a database.
    init(postgresAt url: String) throws {
        setting = url
        store = try PostgresSessionStore(url: url, logger: Cluster.quiet)
    }

    init(_ kind: StoreKind, in directory: TemporaryDirectory) async throws {
        switch kind {
        case .sqlite: try self.init(sqliteAt: directory.path("sessions.sqlite"))
        case .postgres: try self.init(postgresAt: try await PostgresServer.shared().createDatabase())
        }
    }
}
