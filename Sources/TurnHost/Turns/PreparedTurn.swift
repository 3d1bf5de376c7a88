import ChatAgent

/// A turn that can be answered now.
///
/// An object, as are its parts: while an answer streams, its turn is little more than the frames of the functions that
/// wait for it, and whatever these hold by value they hold once for every session that streams.
final class PreparedTurn: Sendable {
    enum Outcome: Sendable {
        case ready(PreparedTurn)
        /// There is nothing to answer.
        case over(TurnExecutor.Fate)
    }

    let plan: TurnPlan
    let support: any TurnSupport

    init(plan: TurnPlan, support: any TurnSupport) {
        self.plan = plan
        self.support = support
    }
}
