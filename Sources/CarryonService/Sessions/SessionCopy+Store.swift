import Conversation
import SessionStore

extension SessionStore {
    /// What an operator's write stands at, who writes for no request: a log of its own, which no partition has the number of.
    func takeOperator() async throws -> (LogPosition, Fence) {
        let log = LogIdentity(
            cluster: "carryon", topic: "carryon.operator", partition: StoredSession.noPartition, epoch: 0)
        let fence = try await takeFence(
            group: "carryon.operator", cluster: log.cluster, topic: log.topic, partition: log.partition)
        return (LogPosition(log: log, offset: 0), fence)
    }
}

extension SessionCopy {
    /// Writes the copy as a new session.
    /// - Parameter now: milliseconds since 1970.
    /// - Throws: ``CommandFailure`` if there is a session of this id, or the id is none; what the store says.
    func write(to store: any SessionStore, now: Int64) async throws {
        do {
            _ = try SessionID.validate(Array(id.utf8))
        } catch {
            throw CommandFailure(.usage, error.message)
        }
        let (position, fence) = try await store.takeOperator()
        let settlement = Settlement(
            session: id, expectedRevision: 0, fence: fence, position: position,
            fingerprint: nil, history: HistoryChange(append: messages), state: state.isEmpty ? nil : state,
            turns: turns, nextSeq: 1, isClosed: isClosed, at: now)
        switch try await store.settle(settlement) {
        case .written: return
        case .conflict: throw CommandFailure(.failed, "there is a session '\(id)' already")
        case .fenced: throw CommandFailure(.failed, "somebody else writes sessions at this moment; try again")
        }
    }
}
