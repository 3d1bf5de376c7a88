import TurnHost

extension ConsumerCore {
    /// The slots of the hosts in which suspects are tried; none if they can't be tried apart.
    package var trialSlots: Range<Int> { settings.slots..<settings.slots + settings.trialSlots }

    /// Where a session's requests go now. Nil while it waits: for its retry, or for its trial.
    func destination(of session: String) -> Int? {
        if let slot = trials.slot(of: session) { return slot }
        return parked[session] != nil || trials.isWaiting(session) ? nil : slot(of: session)
    }

    /// Makes suspects of the sessions that had begun in a host that died, if it was not the first time for one of
    /// them. One death is an accident for all we know, and everything goes on at once.
    mutating func drawConclusions(from begun: [HeldRequest], diedIn slot: Int, isHandover: Bool) {
        let sessions = begun.sessions
        if trialSlots.contains(slot) {
            let others = (trials.tried[slot] ?? []).subtracting(sessions).sorted()
            // Nobody is suspected more than before of what nobody died of.
            if isHandover {
                trials.died(in: slot, of: [], besides: sessions + others)
            } else {
                trials.died(in: slot, of: sessions, besides: others)
            }
        } else if !trialSlots.isEmpty, !isHandover, begun.contains(where: { $0.hostDeaths > 1 }) {
            trials.suspect(sessions)
        }
    }

    /// Acquits those whose requests are settled, and takes up the next groups where nothing is left of the ones before.
    mutating func goOnWithTrials() -> [Action] {
        guard !trialSlots.isEmpty, !trials.isEmpty else { return [] }
        var known: Set<String> = []
        var present: [Int: Set<String>] = [:]
        var unready: Set<String> = []
        for request in held.values {
            guard let session = request.session, trials.contains(session) else { continue }
            // One of a halted partition waits for an operator, and not for its trial.
            if halted[request.partition] != nil, request.place == .waiting { continue }
            known.insert(session)
            if let slot = trials.slot(of: session), request.place == .atHost(slot: slot) {
                present[slot, default: []].insert(session)
            }
            if parked[session] != nil || assignments[request.partition]?.grant == nil { unready.insert(session) }
        }
        trials.forget(allBut: known)
        let acquitted = trials.acquit(allBut: present)
        var actions = acquitted.isEmpty ? [] : dispatchWaiting { $0.session.map(acquitted.contains) ?? false }
        for slot in trialSlots where trials.tried[slot] == nil && !trials.waiting.isEmpty {
            guard slots[slot].isUp else {
                // As many hosts as there are groups for them, and no more.
                let wanted = trialSlots.lowerBound + trials.waiting.count
                if slot < wanted, trialHostsAsked.insert(slot).inserted { actions.append(.startTrialHost(slot: slot)) }
                continue
            }
            let group = trials.begin(in: slot) { !unready.contains($0) }
            if !group.isEmpty { actions += dispatch(group, toTrialIn: slot) }
        }
        return actions
    }

    /// The host has been told before what was waiting, and may have to be told again: these came after it.
    private func dispatch(_ group: Set<String>, toTrialIn trialSlot: Int) -> [Action] {
        let actions = dispatchWaiting { $0.session.map(group.contains) ?? false }
        var touched: Set<Int64> = []
        for case .send(trialSlot, .dispatch(let dispatches)) in actions {
            touched.formUnion(dispatches.map(\.assignment))
        }
        let caughtUp = assignments.values.filter { $0.isCaughtUp && touched.contains($0.id) }.map(\.id).sorted()
        return actions + caughtUp.map { .send(slot: trialSlot, .caughtUp(assignment: $0)) }
    }
}

extension [HeldRequest] {
    /// The sessions of these requests, each once, in their order.
    var sessions: [String] {
        var seen: Set<String> = []
        return compactMap(\.session).filter { seen.insert($0).inserted }
    }
}
