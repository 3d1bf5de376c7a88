import SessionStore

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
}
