import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore

/// What the turn loop needs of this host for one run.
struct HostedRun: TurnSupport {
    let environment: HostEnvironment
    let run: StoredRun
    let grant: Grant
    let session: HostedSession
    let writer: EventWriter
    let control: TurnControl
    let begun: Task<WriteResult, any Error>
    let onFenced: @Sendable (Int64) -> Void

    var clock: any Clock<Duration> { environment.clock }

    func makeDurable(intents: [String]) async throws {
        guard case .written = try await begun.value else { throw CancellationError() }
        try await writer.drain()
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
        if let step = TurnStep(rawValue: step.rawValue) { environment.reached(step) }
    }

    /// Those that would be turns if nothing took them up: not the expired, nor a second one with the same key.
    func waitingMessages() async -> [WaitingMessage] {
        var keys: Set<String> = []
        var messages: [WaitingMessage] = []
        for dispatch in session.waitingMessages() {
            let request = dispatch.request
            if let deadline = request.deadline, environment.now() > deadline.milliseconds { continue }
            if let key = request.idempotencyKey {
                guard keys.insert(key).inserted, await isNew(key) else { continue }
            }
            if let message = dispatch.userMessage {
                messages.append(WaitingMessage(message: message, requestOffset: dispatch.record.offset))
            }
        }
        return messages
    }

    /// With the store away nothing is known of a key: its message waits.
    private func isNew(_ key: String) async -> Bool {
        do {
            return try await environment.store.idempotencyKey(session: session.id, key: key) == nil
        } catch {
            environment.logger.warning("The session store is away.", metadata: ["error": "\(error)"])
            return false
        }
    }
}
