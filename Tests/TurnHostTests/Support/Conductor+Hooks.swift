import ChatAgent
import Conversation
import SessionStore
import TurnHost

extension Conductor {
    /// Waits until so many turns of the agent are complete, its hooks included.
    func finish(_ agent: HookAgent, turns: Int, fileID: String = #fileID, line: Int = #line) async throws {
        try await finish(fileID: fileID, line: line)
        try await waitFor(fileID: fileID, line: line) { agent.journal.count(.complete) >= turns }
    }

    /// The stored history, message by message: its id and its text.
    func transcript(_ session: String = "s") async throws -> [String] {
        try await history(session).map { "\($0.id): \($0.text)" }
    }

    /// Waits until the stored history has these messages.
    func waitForHistory(_ ids: [String], session: String = "s") async throws {
        try await waitFor { try await history(session).map(\.id) == ids }
    }

    /// Carries requests over to a host that starts behind a revocation.
    func moveTo(_ agent: any ChatAgent) async throws {
        try await revoke()
        try await start(agent)
    }

    var subtypes: [String] { view().controls().map(\.subtype) }

    /// What became of the actions.
    var actionOutcomes: [String] {
        view().controls().compactMap { if case .actionComplete(let outcome) = $0 { outcome } else { nil } }
    }
}

extension Message {
    /// The names of the message's data parts.
    var dataNames: [String] {
        parts.compactMap { if case .data(let data) = $0 { data.name } else { nil } }
    }
}
