/// The record that a run exists, written before any of its events is published.
package struct BeginRun: Sendable {
    package var session: String
    /// The revision that the run starts from; 0 if the session was never settled.
    package var expectedRevision: Int64
    /// Its status is `running`. It may have intents already.
    package var run: StoredRun
    package var fence: Fence
    /// How an earlier run of the same turn ended, if that is not recorded yet. A cause that is already recorded stays.
    package var previousEnd: (run: Int, cause: String, kind: RunEnd)?

    package init(
        session: String, expectedRevision: Int64, run: StoredRun, fence: Fence,
        previousEnd: (run: Int, cause: String, kind: RunEnd)? = nil
    ) {
        self.session = session
        self.expectedRevision = expectedRevision
        self.run = run
        self.fence = fence
        self.previousEnd = previousEnd
    }
}
