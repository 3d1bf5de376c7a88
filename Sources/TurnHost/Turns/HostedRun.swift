import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore

/// What the turn loop needs of this host for one run.
struct HostedRun: TurnSupport {
    let environment: HostEnvironment
    let begun: BegunRun
    let grant: Grant
    let session: HostedSession
    let control: TurnControl
    /// Places of requests of which it is known already what becomes of them.
    let decided: Set<LogPosition>
    let onFenced: @Sendable (Int64) -> Void

    private var run: StoredRun { begun.run }

    var clock: any Clock<Duration> { environment.clock }

    func makeDurable(intents: [String]) async throws {
        guard case .written = try await begun.onRecord() else { throw CancellationError() }
        try await begun.writer.drain()
        guard !intents.isEmpty else { return }
        let result = try await environment.persistently(grant) {
            try await environment.store.recordIntents(
                session: run.session, turn: run.turn, run: run.run, calls: intents, fence: grant.partition.fence)
        }
        if case .written = result { return }
        if case .fenced = result { onFenced(grant.partition.assignment) }
        control.end(.lost)
        throw CancellationError()
    }

    func reached(_ step: ToolStep) {
        environment.reached(TurnStep(step))
    }

    /// Those that would be turns if nothing took them up, and of which no recovery hook has decided otherwise.
    func waitingMessages() async -> [WaitingMessage] {
        let waiting = session.waitingMessages().filter { dispatch in
            !decided.contains { dispatch.stands(at: $0, in: grant.log) }
        }
        return await environment.becomingTurns(waiting, of: session).compactMap { dispatch in
            dispatch.userMessage.map { WaitingMessage(message: $0, requestOffset: dispatch.record.offset) }
        }
    }
}
