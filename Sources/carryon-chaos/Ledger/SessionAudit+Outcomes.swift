import Conversation
import SessionStore

extension SessionAudit {
    /// Each request has exactly one outcome, and nothing has one that nobody asked for.
    mutating func checkOutcomes() {
        let known = Set(evidence.requests.map(\.id))
        for (id, closings) in closings.sorted(by: { $0.key < $1.key }) where !known.contains(id) {
            find(.duplicated, nil, "the outcomes of the unknown request \(id)", expected: 0, came: closings.count)
        }
        let offsets = Set(evidence.requests.map(\.offset))
        for letter in evidence.letters where !offsets.contains(letter.offset) {
            find(.deadLetter, nil, "the dead letter of an unknown request", expected: "none", came: letter)
        }
        for request in evidence.requests {
            let closings = closings[request.id] ?? []
            switch request.role {
            case .garbage: checkGarbage(request)
            case .stop:
                if !closings.isEmpty {
                    find(.duplicated, request, "a stop's outcomes", expected: 0, came: closings.count)
                }
            case .duplicate: checkDuplicate(request, closings)
            case .message, .regenerate, .approval: checkTurn(request, closings)
            }
            if request.role != .garbage { checkLetters(request) }
        }
    }

    private mutating func checkGarbage(_ request: SentRequest) {
        let letters = letters(of: request)
        // A death between writing a letter and its acknowledgement can write it twice.
        if letters.isEmpty { find(.lost, request, "dead letters of what is no request", expected: 1, came: 0) }
        for letter in letters where letter.cause != "undecodable" {
            find(.deadLetter, request, "the dead letter's cause", expected: "undecodable", came: letter.cause)
        }
    }

    private mutating func checkDuplicate(_ request: SentRequest, _ closings: [Closing]) {
        checkCount(request, closings)
        if let closing = closings.first, closing.control != .duplicate(requestID: request.id) {
            find(.duplicated, request, "a repeated request's outcome", expected: "duplicate", came: closing.control)
        }
    }

    private mutating func checkTurn(_ request: SentRequest, _ closings: [Closing]) {
        checkCount(request, closings)
        guard let closing = closings.first else { return }
        guard let complete = closing.complete else {
            return find(.lost, request, "the outcome", expected: "turn-complete", came: closing.control)
        }
        if closing.event.requestOffset != request.offset {
            find(
                .changed, request, "the offset that the outcome names", expected: request.offset,
                came: closing.event.requestOffset ?? -1)
        }
        switch complete.outcome {
        case .completed:
            if case .message(_, isPoison: true) = request.role {
                find(.deadLetter, request, "what always kills its host", expected: "set aside", came: "completed")
            }
        case .stopped where complete.stopped:
            guard !evidence.requests.contains(where: { $0.role == .stop(of: request.id) }) else { break }
            find(.changed, request, "the outcome of a turn that nobody stopped", expected: "completed", came: "stopped")
        case .stopped: checkInterruption(request, complete)
        case .failed:
            find(.changed, request, "the outcome", expected: "completed", came: "failed: \(complete.error ?? .null)")
        case .deadLettered: checkBudget(request, complete)
        }
    }

    private mutating func checkCount(_ request: SentRequest, _ closings: [Closing]) {
        if closings.isEmpty { find(.lost, request, "the request's outcomes", expected: 1, came: 0) }
        if closings.count > 1 {
            find(.duplicated, request, "the request's outcomes", expected: 1, came: closings.map(\.control))
        }
    }

    /// Only an answer that died while a newer message of its user was waiting is left as it is.
    private mutating func checkInterruption(_ request: SentRequest, _ complete: TurnComplete) {
        let hasNewer = evidence.requests.contains { newer in
            if case .message = newer.role { newer.offset > request.offset } else { false }
        }
        let isSettled = kept.contains { event in
            guard event.turn == complete.turn, case .control(.recovered(_, _, let policy, _)) = event.body else {
                return false
            }
            return policy == "settle"
        }
        if !hasNewer || !isSettled {
            find(
                .changed, request, "the outcome of a turn that was neither stopped nor overtaken",
                expected: "completed",
                came: "stopped")
        }
    }

    /// A request is set aside for as many deaths of its own as its budget has, and for no others.
    private mutating func checkBudget(_ request: SentRequest, _ complete: TurnComplete) {
        let ends = (runs[complete.turn] ?? []).compactMap(\.causeKind)
        let letters = letters(of: request)
        if letters.isEmpty {
            find(.lost, request, "dead letters of a request that was set aside", expected: 1, came: 0)
        }
        for letter in letters {
            let enough: Bool
            switch letter.cause {
            case "crash-loop": enough = ends.count { $0 == .crashed || $0 == .unknown } >= budgets.crashAttempts
            case "out-of-memory": enough = ends.count { $0 == .outOfMemory } >= budgets.outOfMemoryAttempts
            default: enough = false
            }
            if !enough {
                find(
                    .deadLetter, request, "deaths of a request set aside as \(letter.cause)", expected: "its budget's",
                    came: ends.map(\.rawValue))
            }
            if letter.attempts != ends.count(where: \.isCharged) {
                find(
                    .runs, request, "the attempts that its dead letter names",
                    expected: ends.count(where: \.isCharged), came: letter.attempts ?? -1)
            }
        }
    }

    private mutating func checkLetters(_ request: SentRequest) {
        guard let letter = letters(of: request).first, complete(request)?.outcome != .deadLettered else { return }
        find(.deadLetter, request, "dead letters of a request that was answered", expected: "none", came: letter)
    }

    /// Every run is accounted for: a turn has one that settled it, after those that died.
    mutating func checkRuns() {
        let ended = Dictionary(
            closings.values.flatMap { $0 }.compactMap(\.complete).map { ($0.turn, $0) }, uniquingKeysWith: { $1 })
        for (turn, runs) in runs.sorted(by: { $0.key < $1.key }) {
            let request = evidence.requests.first { $0.offset == runs[0].position.offset }
            if runs.map(\.run) != Array(1...runs.count) {
                find(.runs, request, "the runs of turn \(turn)", expected: "1 to \(runs.count)", came: runs.map(\.run))
            }
            checkCharges(runs, request)
            let statuses = runs.map(\.status)
            let isOrderly = statuses.dropLast().allSatisfy { $0 == .interrupted } && statuses.last?.isFinal == true
            if !isOrderly {
                find(
                    .runs, request, "the runs of turn \(turn)", expected: "the last one to have settled it",
                    came: statuses.map(\.rawValue))
            }
            if runs.last?.outcome != ended[turn]?.outcome.rawValue {
                find(
                    .runs, request, "the outcome of turn \(turn)'s last run",
                    expected: ended[turn]?.outcome.rawValue ?? "none", came: runs.last?.outcome ?? "none")
            }
        }
        for (turn, _) in ended where runs[turn] == nil {
            find(.runs, nil, "the runs of turn \(turn)", expected: "some", came: "none")
        }
        if let open = evidence.stored?.openRuns, !open.isEmpty {
            find(.runs, nil, "unsettled runs", expected: "none", came: open.map(\.id))
        }
    }
    /// Where nobody was killed, a budget pays for nothing but a request's own doing: deploys and handovers are free.
    private mutating func checkCharges(_ runs: [StoredRun], _ request: SentRequest?) {
        guard !budgets.hasDeaths else { return }
        if case .message(let text, _)? = request?.role, text.contains("\ncrash ") || text.contains("\nallocate ") {
            return
        }
        for run in runs where run.causeKind?.isCharged == true {
            find(
                .runs, request, "the end of run \(run.run) of turn \(run.turn), where nobody was killed",
                expected: "one that is free", came: run.cause ?? "unknown")
        }
    }
}
