/// The sessions that may be what their hosts died of, and the groups in which they are tried apart from all others: one
/// group in each trial host, each that dies in halves again, until a host dies with a single session in it.
struct Trials {
    /// Groups whose turn is still to come, in order.
    private(set) var waiting: [[String]] = []
    /// By trial slot: the sessions that are at its host now.
    private(set) var tried: [Int: Set<String>] = [:]
    private var slots: [String: Int] = [:]
    private var waitingSessions: Set<String> = []

    var isEmpty: Bool { waiting.isEmpty && slots.isEmpty }

    func isWaiting(_ session: String) -> Bool { waitingSessions.contains(session) }

    /// Where a session is tried now, if it is.
    func slot(of session: String) -> Int? { slots[session] }

    func contains(_ session: String) -> Bool { isWaiting(session) || slots[session] != nil }

    /// A host that others use died of one of these.
    mutating func suspect(_ sessions: [String]) {
        waiting += Self.halves(of: sessions)
        waitingSessions.formUnion(sessions)
    }

    /// A trial's host died of one of `suspects`. What else was tried there is tried again after them.
    mutating func died(in slot: Int, of suspects: [String], besides others: [String]) {
        clear(slot)
        waitingSessions.formUnion(suspects + others)
        let next = others.isEmpty ? [] : [others]
        if suspects.count > 1 {
            waiting = Self.halves(of: suspects) + next + waiting
        } else {
            // It was seen on its own and charged with it. The rest need not wait for that one's next attempt.
            waiting = next + waiting + Self.halves(of: suspects)
        }
    }

    /// Takes up the first group that may be tried now, in a slot where nothing is tried.
    mutating func begin(in slot: Int, where isReady: (String) -> Bool) -> Set<String> {
        guard tried[slot] == nil, let index = waiting.firstIndex(where: { $0.allSatisfy(isReady) }) else { return [] }
        let group = Set(waiting.remove(at: index))
        tried[slot] = group
        for session in group { slots[session] = slot }
        waitingSessions.subtract(group)
        return group
    }

    /// Acquits what was tried and is not in its trial's host any more, and returns it.
    mutating func acquit(allBut remaining: [Int: Set<String>]) -> Set<String> {
        var acquitted: Set<String> = []
        for (slot, sessions) in tried {
            let gone = sessions.subtracting(remaining[slot] ?? [])
            guard !gone.isEmpty else { continue }
            acquitted.formUnion(gone)
            for session in gone { slots[session] = nil }
            let left = sessions.subtracting(gone)
            tried[slot] = left.isEmpty ? nil : left
        }
        return acquitted
    }

    /// Drops those that wait and have nothing left to be tried with.
    mutating func forget(allBut remaining: Set<String>) {
        guard !waitingSessions.isSubset(of: remaining) else { return }
        waitingSessions.formIntersection(remaining)
        waiting = waiting.map { $0.filter(remaining.contains) }.filter { !$0.isEmpty }
    }

    private mutating func clear(_ slot: Int) {
        for session in tried.removeValue(forKey: slot) ?? [] { slots[session] = nil }
    }

    private static func halves(of sessions: [String]) -> [[String]] {
        let half = (sessions.count + 1) / 2
        return [Array(sessions.prefix(half)), Array(sessions.dropFirst(half))].filter { !$0.isEmpty }
    }
}
