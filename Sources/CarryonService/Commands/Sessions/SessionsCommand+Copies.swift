import ArgumentParser
import Conversation
import Foundation
import SessionStore

extension SessionsCommand {
    /// `carryon sessions fork`
    struct Fork: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fork", abstract: "Begins a new session with another one's history, whole or up to a turn.")

        @Argument(help: "The session's id.") var id: String
        @Option(name: .customLong("as"), help: "The new session's id.") var newID: String
        @Option(help: "The last turn that it has; the first turn is 0.") var at: Int?

        func run() async throws {
            let store = try Invocation.required().settings.openStore(mustExist: true)
            try await store.closing {
                var copy = try await store.copy(of: id, at: at)
                copy.id = newID
                copy.isClosed = false
                try await copy.write(to: store, now: wallClock())
                print("\(newID) has \(copy.turns) turns and \(copy.messages.count) messages of \(id)")
            }
        }
    }

    /// `carryon sessions export`
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export", abstract: "Writes a session as JSON lines: the session, then its messages.")

        @Argument(help: "The session's id.") var id: String
        @Option(help: "The last turn that is written; the first turn is 0.") var at: Int?

        func run() async throws {
            let store = try Invocation.required().settings.openStore(mustExist: true)
            try await store.closing {
                for line in try await store.copy(of: id, at: at).lines() { print(line) }
            }
        }
    }

    /// `carryon sessions import`
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import", abstract: "Reads a session that was exported, from standard input.")

        @Option(name: .customLong("as"), help: "Its id here; that which it had if not given.") var newID: String?

        func run() async throws {
            let input = try FileHandle.standardInput.readToEnd() ?? Data()
            guard let text = String(bytes: input, encoding: .utf8) else {
                throw CommandFailure(.failed, "standard input is not UTF-8")
            }
            var copy = try SessionCopy(lines: text.split(separator: "\n", omittingEmptySubsequences: false))
            if let newID { copy.id = newID }
            let session = copy
            let store = try Invocation.required().settings.openStore()
            try await store.closing {
                try await session.write(to: store, now: wallClock())
                print("\(session.id) has \(session.turns) turns and \(session.messages.count) messages")
            }
        }
    }
}

extension SessionStore {
    /// Does `body`, and closes the store however that ends.
    func closing<Result>(_ body: () async throws -> Result) async throws -> Result {
        let result: Result
        do {
            result = try await body()
        } catch {
            try? await close()
            throw error
        }
        try await close()
        return result
    }

    /// - Throws: ``CommandFailure`` if there is no such session; what the store says.
    func existing(_ id: String) async throws -> StoredSession {
        guard let stored = try await loadSession(id) else {
            throw CommandFailure(.failed, "there is no session '\(id)'")
        }
        return stored
    }

    /// - Parameter turn: `nil` is as it is now.
    /// - Throws: ``CommandFailure`` if there is no such session or turn.
    func copy(of id: String, at turn: Int?) async throws -> SessionCopy {
        let copy = SessionCopy(try await existing(id))
        return try turn.map { try copy.at(turn: $0) } ?? copy
    }
}
