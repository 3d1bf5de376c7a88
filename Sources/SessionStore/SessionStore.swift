/// The durable state of all sessions: what a worker settles before it commits an offset.
///
/// Writes are conditional: on the session's revision, and on the partition's newest fence. A refused write is a
/// ``WriteResult`` other than `written` and leaves no trace. A write that returns `written` survives the death of the
/// process and of the machine. A write that throws may or may not have taken effect: load the session to find out.
///
/// Any number of tasks and of processes may use the same underlying store at once. A read that starts after a write
/// returned sees it. A page holds 1 to 1000 items, whatever limit is asked for.
package protocol SessionStore: Sendable {
    /// Takes the partition for the caller: every fence of the same group and partition taken before is refused from now
    /// on.
    func takeFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Fence

    /// The newest token, or nil if none was ever taken.
    func currentFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Int64?

    /// Tells whether the partition's log is the one that the store has positions in.
    ///
    /// It is another one (the topic was deleted and made again, the disk is a fresh one) if it ends at or before an
    /// offset that was settled, or has another record there. Take the fence first and ask the broker for the offsets
    /// after that: an earlier owner of the partition could otherwise settle beyond an end offset that is already old,
    /// and an unchanged log would look like a new one.
    ///
    /// - Parameters:
    ///   - startOffset: The offset of the log's first record.
    ///   - endOffset: The offset that the log's next record will get.
    ///   - fingerprintAt: Looks up the fingerprint (the timestamp) of the record at an offset; nil if there is none any
    ///     more. Called at most a few times, never within a transaction.
    func identifyLog(
        cluster: String, topic: String, partition: Int32, startOffset: Int64, endOffset: Int64,
        fingerprintAt: @Sendable (Int64) async -> Int64?
    ) async throws(StoreError) -> LogIdentification

    /// The clusters, in alphabetical order, in which requests of a topic of this name were settled.
    func knownClusters(topic: String) async throws(StoreError) -> [String]

    /// The session with its whole history, or nil if it has neither been settled nor has a run. With a first turn that
    /// has begun and is not settled: revision 0, no turns, next seq 1, no messages, and the run.
    func loadSession(_ id: String) async throws(StoreError) -> StoredSession?

    /// What ``loadSession(_:)`` returns, without the messages, the agent's state and the positions in earlier logs: what
    /// it costs does not grow with the session.
    func sessionHead(_ id: String) async throws(StoreError) -> StoredSession?

    /// The runs of every turn that is not settled and whose request is in `log`, oldest first.
    func openRuns(log: LogIdentity) async throws(StoreError) -> [StoredRun]

    /// Records that a run exists. Leaves the session's revision as it is.
    ///
    /// A conflict if the session's revision is another one, or if this run or a higher one of the turn exists.
    func beginRun(_ begin: BeginRun) async throws(StoreError) -> WriteResult

    /// Records why a run ended, without settling its turn.
    ///
    /// A conflict unless the run is `running`. Leaves the session's revision as it is.
    ///
    /// - Parameter at: Milliseconds since 1970.
    func interruptRun(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) async throws(StoreError) -> WriteResult

    /// Records that a run is about to make tool calls, so that a later run of the turn knows that they may have had
    /// their effect. They follow those recorded before, in order; a call that is recorded already stays where it is.
    ///
    /// A conflict unless the run is `running`. Leaves the session's revision as it is.
    ///
    /// - Parameter calls: The ids of the tool calls.
    func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) async throws(StoreError) -> WriteResult

    /// Writes all effects of one request in one atomic step. May also amend a session after the fact, with the position
    /// that it has.
    ///
    /// A conflict if the session's revision is another one, if the position would go back, if the idempotency key is
    /// taken, if the turn's run was never begun or is settled, or if a higher run of the turn has begun.
    func settle(_ settlement: Settlement) async throws(StoreError) -> WriteResult

    /// Records that a request goes to another topic and, once it is there, that this side is through with it.
    ///
    /// Leaves the session's revision as it is, and does not ask for it: the workers of the other topic may be in the
    /// middle of a turn of the session. Runs that are open stay open. May be written again. A session that nothing was
    /// stored of begins with it, at revision 0.
    ///
    /// A conflict if the session's position in the request's log is beyond the request's.
    func forward(_ forwarding: Forwarding) async throws(StoreError) -> WriteResult

    /// The position of the request that was settled with this key.
    func idempotencyKey(session: String, key: String) async throws(StoreError) -> LogPosition?

    /// Sessions that were settled or forwarded at least once, latest update first. A session never shows twice in one series of
    /// pages, unless it was updated with an earlier time than it had.
    func listSessions(after cursor: String?, limit: Int) async throws(StoreError) -> Page<SessionSummary>

    /// A part of a session's history, in order: the messages behind `afterIndex`, or from the first if it is nil.
    func messages(session: String, afterIndex: Int?, limit: Int) async throws(StoreError) -> [StoredMessage]

    /// Runs in the order they began, newest first. Nil filters let everything pass; `regions` also drops runs without
    /// a region.
    func listRuns(
        session: String?, status: RunStatus?, regions: [String]?, cursor: String?, limit: Int
    ) async throws(StoreError) -> Page<StoredRun>

    /// The run with this id, in whatever state.
    func run(_ id: String) async throws(StoreError) -> StoredRun?

    /// Parks a session: its requests are to be set aside until it is released. One that is parked already, or that is
    /// being released, is parked with the new reason from now on. The session need not have been settled yet.
    func park(_ session: ParkedSession) async throws(StoreError)

    /// Every session that is parked or being released, in the order of their ids.
    func parkedSessions() async throws(StoreError) -> [ParkedSession]

    /// The session's park, if it is parked or being released.
    func parkedSession(_ id: String) async throws(StoreError) -> ParkedSession?

    /// Puts on record that a parked session is being released; does nothing to one that is not parked.
    func beginRelease(of session: String) async throws(StoreError)

    /// Ends a release: the session is not parked any more.
    ///
    /// Raises the session's revision, so that whoever was about to settle something for the sake of the park has a
    /// conflict, and looks again. So nothing is set aside for a park that is over, and nothing that was set aside before
    /// this returned was settled later.
    ///
    /// - Parameter revision: Of the session as it was when there was nothing left to be sent again; 0 if it was never
    ///   settled.
    /// - Returns: `false`, and nothing is changed, if the session is at another revision, has an open run, is not parked
    ///   or was parked anew.
    func endRelease(of session: String, atRevision revision: Int64) async throws(StoreError) -> Bool

    /// Proves that the store can be written to at this moment, at the cost of one round trip, and writes nothing.
    ///
    /// - Throws: what a write would throw.
    func probe() async throws(StoreError)

    /// Finishes the writes that were already asked for and lets go of everything. Later calls throw `closed`.
    func close() async throws(StoreError)
}
