import TurnHost

extension ConsumerCore {
    /// The slot of the host in which suspects are tried, if there is one.
    package var trialSlot: Int? { settings.hasTrialSlot ? settings.slots : nil }

    /// Where a session's requests go now. Nil while it waits: for its retry, or for its trial.
    func destination(of session: String) -> Int? {
        if trials.isTried(session) { return trialSlot }
        return parked[session] != nil || trials.isWaiting(session) ? nil : slot(of: session)
    }

    /// Makes suspects of the sessions that had begun in a host that died, if it was not the first time for one of
    /// them. One death is an accident for all we know, and everything goes on at once.
    mutating func drawConclusions(from begun: [HeldRequest], diedIn slot: Int, isHandover: Bool) {
        let sessions = begun.sessions
        if slot == trialSlot {
            let others = trials.tried.subtracting(sessions).sorted()
            // Nobody is suspected more than before of what nobody died of.
            if isHandover {
                trials.died(of: [], besides: sessions + others)
            } else {
                trials.died(of: sessions, besides: others)
            }
        } else if trialSlot != nil, !isHandover, begun.contains(where: { $0.hostDeaths > 1 }) {
            trials.suspect(sessions)
        }
    }

    /// Acquits those whose requests are settled, and takes up the next group when nothing is left of the one before.
    mutating func goOnWithTrials() -> [Action] {
        guard let trialSlot, !trials.isEmpty else { return [] }
        var known: Set<String> = []
        var present: Set<String> = []
        var unready: Set<String> = []
        for request in held.values {
            guard let session = request.session, trials.contains(session) else { continue }
            known.insert(session)
            if request.place == .atHost(slot: trialSlot) { present.insert(session) }
            if parked[session] != nil || assignments[request.partition]?.grant == nil { unready.insert(session) }
        }
        trials.forget(allBut: known)
        let acquitted = trials.acquit(allBut: present)
        var actions = acquitted.isEmpty ? [] : dispatchWaiting { $0.session.map(acquitted.contains) ?? false }
        guard slots[trialSlot].isUp else {
            if !trials.waiting.isEmpty, !hasAskedForTrialHost {
                hasAskedForTrialHost = true
                actions.append(.startTrialHost(slot: trialSlot))
            }
            return actions
        }
        let group = trials.begin { !unready.contains($0) }
        return group.isEmpty ? actions : actions + dispatchToTrial(group)
    }

    /// The host has been told before what was waiting, and may have to be told again: these came after it.
    private func dispatchToTrial(_ group: Set<String>) -> [Action] {
        let actions = dispatchWaiting { $0.session.map(group.contains) ?? false }
        var touched: Set<Int64> = []
        for case .send(let slot, .dispatch(let dispatches)) in actions where slot == trialSlot {
            touched.formUnion(dispatches.map(\.assignment))
        }
        let caughtUp = assignments.values.filter { $0.isCaughtUp && touched.contains($0.id) }.map(\.id).sorted()
        return actions + caughtUp.compactMap { id in trialSlot.map { .send(slot: $0, .caughtUp(assignment: id)) } }
    }
}

extension [HeldRequest] {
    /// The sessions of these requests, each once, in their order.
    var sessions: [String] {
        var seen: Set<String> = []
        return compactMap(\.session).filter { seen.insert($0).inserted }
    }
}
