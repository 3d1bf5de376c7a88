import CarryonTesting
import Foundation
import TestSupport
import Testing

@testable import SessionStore

/// The stores that the conformance suite runs on. A new one gets a case here, and nothing else.
enum StoreImplementation: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, memory, postgres

    var testDescription: String { rawValue }

    /// Runs `body` on an empty store.
    func withStore(_ body: (any SessionStore) async throws -> Void) async throws {
        try await withStores(1) { stores in try await body(stores[0]) }
    }

    /// Runs `body` on several stores over the same empty database, as several processes would have them.
    func withStores(_ count: Int, _ body: ([any SessionStore]) async throws -> Void) async throws {
        switch self {
        case .memory:
            let shared = MemorySessionStore.Shared()
            try await body((0..<count).map { _ in MemorySessionStore(shared) })
        case .sqlite:
            try await withTemporaryDirectory { directory in
                let path = directory.appendingPathComponent("sessions.sqlite").path
                try await with(try (0..<count).map { _ in try SQLiteSessionStore(path: path) }, body)
            }
        case .postgres:
            let url = try await PostgresServer.shared().createDatabase()
            try await with(try (0..<count).map { _ in try PostgresSessionStore(url: url) }, body)
        }
    }

    private func with(
        _ stores: [any SessionStore], _ body: ([any SessionStore]) async throws -> Void
    ) async throws {
        do {
            try await body(stores)
        } catch {
            for store in stores { try await store.close() }
            throw error
        }
        for store in stores { try await store.close() }
    }
}

/// Runs `body` with a new directory, which is removed afterwards.
func withTemporaryDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("store-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    return try await body(directory)
}
