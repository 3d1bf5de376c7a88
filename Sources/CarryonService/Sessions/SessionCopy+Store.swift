import Conversation
import SessionStore

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
        // It stands in no topic: a log of its own, which no partition has the number of.
        let log = LogIdentity(
            cluster: "carryon", topic: "carryon.copies", partition: StoredSession.noPartition, epoch: 0)
        let fence = try await store.takeFence(
            group: "carryon.copies", cluster: log.cluster, topic: log.topic, partition: log.partition)
        let settlement = Settlement(
            session: id, expectedRevision: 0, fence: fence, position: LogPosition(log: log, offset: 0),
            fingerprint: nil, history: HistoryChange(append: messages), state: state.isEmpty ? nil : state,
            turns: turns, nextSeq: 1, isClosed: isClosed, at: now)
        switch try await store.settle(settlement) {
        case .written: return
        case .conflict: throw CommandFailure(.failed, "there is a session '\(id)' already")
        case .fenced: throw CommandFailure(.failed, "another copy was being written; try again")
        }
    }
}
