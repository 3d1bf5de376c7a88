public import Conversation
import SessionStore
import TurnHost

extension MockChatAgent {
    /// Lays out a session that has been going on: its history, settled by workers that are long gone. Their requests'
    /// offsets are taken, their events are no longer there. Comes before the other seeds, and before the first worker.
    ///
    /// - Parameters:
    ///   - messages: the history.
    ///   - turns: the number of the next turn; `nil` for as many as there are messages of the user.
    ///   - nextSeq: the `seq` of the session's next event.
    /// - Throws: ``MockChatError``.
    public func seedCheckpoint(_ messages: [Message], turns: Int? = nil, nextSeq: Int64 = 1) throws {
        try checkThatNothingBegan()
        guard stage.read({ $0.entries.isEmpty && $0.endOffset == 0 }) else {
            throw MockChatError.impossibleState(reason: "its checkpoint was laid out after its requests")
        }
        let turns = turns ?? messages.count { $0.role == .user }
        guard turns >= 0, nextSeq >= 1 else {
            throw MockChatError.impossibleState(reason: "it has \(turns) turns, and its next seq is \(nextSeq)")
        }
        let end = Int64(max(turns, 1))
        let position = LogPosition(log: Self.requests, offset: end - 1)
        let history = messages.map { message in
            StoredMessage(
                id: message.id, role: message.role.rawValue, turn: max(turns - 1, 0), body: message.serialized())
        }
        let at = time()
        try write("settling the seeded history") { [session] database, fence in
            database.settle(
                Settlement(
                    session: session, expectedRevision: 0, fence: fence, position: position, fingerprint: nil,
                    history: HistoryChange(append: history), turns: turns, nextSeq: nextSeq, at: at))
        }
        stage.change { state in
            state.endOffset = end
            state.committedOffset = end
        }
    }

    /// Lays out a turn whose worker died: its run is on record, it wrote these chunks, and nothing of it is settled.
    /// The first worker that boots gets its request again.
    ///
    /// - Parameters:
    ///   - chunks: what the dead worker had published of the answer, from `start` on.
    ///   - message: what it was answering.
    ///   - data: that request's client data; `nil` for that of the session.
    ///   - cause: how the worker died.
    /// - Returns: the request's offset.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func seedOutputTail(
        _ chunks: [Chunk], answering message: Message, data: JSON? = nil, cause: WorkerDeath = .crashed("SIGKILL")
    ) throws -> Int64 {
        try checkThatNothingBegan()
        guard stage.read({ $0.unsettled.isEmpty }) else {
            throw MockChatError.impossibleState(reason: "a turn was begun while an earlier request waited")
        }
        let offset = append { [self] _ in Request(kind: .message(message), data: data ?? self.data) }
        let stored = loadSession()
        let run = StoredRun(
            session: session, turn: stored?.turns ?? 0, run: 1, host: "seeded-worker", requestID: "0-\(offset)",
            position: LogPosition(log: Self.requests, offset: offset), firstSeq: stored?.nextSeq ?? 1,
            eventsStart: log.end(of: MemoryEventLog.topic), startedAt: time())
        try write("beginning the seeded run") { [session] database, fence in
            database.begin(
                BeginRun(session: session, expectedRevision: stored?.revision ?? 0, run: run, fence: fence))
        }
        if let death = cause.seen(host: run.host) {
            try write("ending the seeded run") { database, fence in
                database.interruptRun(
                    session: run.session, turn: run.turn, run: run.run, cause: death.cause, kind: death.runEnd,
                    fence: fence, at: run.startedAt)
            }
        }
        publish(chunks, of: run)
        return offset
    }

    /// Lays out requests that wait in the log, in this order, behind those that are there.
    /// - Returns: their offsets.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func seedInputTail(_ requests: [Request]) throws -> [Int64] {
        try checkThatNothingBegan()
        return requests.map { request in append { _ in request } }
    }

    private func publish(_ chunks: [Chunk], of run: StoredRun) {
        let identity = EventIdentity(
            topic: MemoryEventLog.topic, partition: 0, session: session, turn: run.turn, run: run.run,
            requestID: run.requestID, requestOffset: run.position.offset, traceparent: nil)
        let start = ControlRecord.turnStart(
            turn: run.turn, run: run.run, messageID: "\(session)-answer-\(run.turn)")
        _ = log.append(identity.record(seq: run.firstSeq, control: start.subtype, value: start.serialized()))
        for (index, chunk) in chunks.enumerated() {
            _ = log.append(identity.record(seq: run.firstSeq + 1 + Int64(index), value: chunk.serialized()))
        }
    }

    private func checkThatNothingBegan() throws(MockChatError) {
        guard stage.read({ $0.workers.isEmpty }) else { throw .alreadyBooted }
    }

    private func write(
        _ operation: String, _ body: (inout MemoryDatabase, Fence) -> WriteResult
    ) throws {
        let result = try store.access(operation) { database in
            body(&database, database.takeFence(.init(group: Self.group, log: .init(Self.requests))))
        }
        guard case .written = result else {
            throw MockChatError.impossibleState(reason: "\(operation) is refused (\(result))")
        }
    }
}
