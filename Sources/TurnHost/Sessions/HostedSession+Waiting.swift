import Conversation
import Logging
import SessionStore

extension HostEnvironment {
    /// Those of `waiting` that would become turns of `session` if nothing else took them up: not the expired, nor a
    /// second one with a key that was used.
    func becomingTurns(_ waiting: [Dispatch], of session: HostedSession) async -> [Dispatch] {
        var keys = Set(session.currentKeys)
        var turns: [Dispatch] = []
        for dispatch in waiting {
            if let deadline = dispatch.request.deadline, now() > deadline.milliseconds { continue }
            if await isNew(dispatch, beside: &keys, session) { turns.append(dispatch) }
        }
        return turns
    }

    private func isNew(
        _ dispatch: Dispatch, beside keys: inout Set<String>, _ session: HostedSession
    ) async -> Bool {
        for key in dispatch.keys {
            guard keys.insert(key).inserted, await isNew(key, dispatch, session) else { return false }
        }
        return true
    }

    /// With the store away nothing is known of a key: its message waits.
    private func isNew(_ key: String, _ dispatch: Dispatch, _ session: HostedSession) async -> Bool {
        do {
            // Whoever hands a request over has recorded its key.
            let first = try await store.idempotencyKey(session: session.id, key: key)
            return first.map { dispatch.record.forward?.names($0) == true } ?? true
        } catch {
            // Also asked when a message comes, outside of any turn.
            logger.warning(
                "The session store is away.",
                metadata: ["gen_ai.conversation.id": "\(session.id)", "error": "\(error)"])
            return false
        }
    }
}
