/// The sessions that may be what their hosts died of, and the groups in which they are tried apart from all others: one
/// group at a time, each that dies in halves again, until a host dies with a single session in it.
struct Trials {
    /// Groups whose turn is still to come, in order.
    private(set) var waiting: [[String]] = []
    /// The sessions that are at the trial's host now.
    private(set) var tried: Set<String> = []
    private var waitingSessions: Set<String> = []

    var isEmpty: Bool { waiting.isEmpty && tried.isEmpty }

    func isWaiting(_ session: String) -> Bool { waitingSessions.contains(session) }

    func isTried(_ session: String) -> Bool { tried.contains(session) }

    func contains(_ session: String) -> Bool { isWaiting(session) || isTried(session) }

    /// A host that others use died of one of these.
    mutating func suspect(_ sessions: [String]) {
        waiting += Self.halves(of: sessions)
        waitingSessions.formUnion(sessions)
    }

    /// The trial's host died of one of `suspects`. What else was tried is tried again after them.
    mutating func died(of suspects: [String], besides others: [String]) {
        tried = []
        waitingSessions.formUnion(suspects + others)
        let next = others.isEmpty ? [] : [others]
        if suspects.count > 1 {
            waiting = Self.halves(of: suspects) + next + waiting
        } else {
            // It was seen on its own and charged with it. The rest need not wait for that one's next attempt.
            waiting = next + waiting + Self.halves(of: suspects)
        }
    }

    /// Takes up the first group that may be tried now.
    mutating func begin(where isReady: (String) -> Bool) -> Set<String> {
        guard tried.isEmpty, let index = waiting.firstIndex(where: { $0.allSatisfy(isReady) }) else { return [] }
        tried = Set(waiting.remove(at: index))
        waitingSessions.subtract(tried)
        return tried
    }

    /// Acquits what was tried and is not in the trial's host any more, and returns it.
    mutating func acquit(allBut remaining: Set<String>) -> Set<String> {
        defer { tried.formIntersection(remaining) }
        return tried.subtracting(remaining)
    }

    /// Drops those that wait and have nothing left to be tried with.
    mutating func forget(allBut remaining: Set<String>) {
        guard !waitingSessions.isSubset(of: remaining) else { return }
        waitingSessions.formIntersection(remaining)
        waiting = waiting.map { $0.filter(remaining.contains) }.filter { !$0.isEmpty }
    }

    private static func halves(of sessions: [String]) -> [[String]] {
        let half = (sessions.count + 1) / 2
        return [Array(sessions.prefix(half)), Array(sessions.dropFirst(half))].filter { !$0.isEmpty }
    }
}
