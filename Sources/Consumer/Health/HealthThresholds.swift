/// After how long each of a worker's clocks means that something is wrong.
package struct HealthThresholds: Sendable, Hashable {
    /// The poll thread: a rebalance may hold it up for its budgets.
    package var poll = Duration.seconds(30)
    /// The oldest running turn; `nil` if turns may run for ever.
    package var turn: Duration?
    /// Being no member of the group: a rebalance takes its time too.
    package var group = Duration.seconds(90)
    /// A host that does not answer.
    package var host = Duration.seconds(10)
    /// A partition that is ours and is not ready to be worked on.
    package var partition = Duration.seconds(30)
    /// The session store.
    package var store = Duration.seconds(5)
    /// Events that nobody acknowledges.
    package var producer = Duration.seconds(10)

    package init(turn: Duration?) {
        self.turn = turn
    }
}
