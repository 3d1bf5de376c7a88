import Conversation

/// Where one session's user stands in the plan: decides what to send next, by what was read. Sends nothing itself.
struct Dialogue: Sendable {
    let plan: ConversationPlan.Session
    private(set) var next = 0
    /// Ids of the requests whose ends are awaited, oldest first.
    private var awaited: [String] = []
    /// The call that an approval is to answer once its turn has ended: the request that asked, and the answer.
    private var approval: (request: String, call: String?, isGranted: Bool)?
    /// The turn to be stopped after so many further pieces.
    private var stop: (request: String, pieces: Int)?
    /// The message that is to be sent again once its turn has ended.
    private var duplicate: (request: String, text: String)?
    /// Whether its user is thinking about the next step.
    private var isThinking = true
    private(set) var completedTurns = 0

    init(_ plan: ConversationPlan.Session) {
        self.plan = plan
    }

    var isOver: Bool { next == plan.steps.count && awaited.isEmpty }
    var isWaiting: Bool { !awaited.isEmpty }
    /// The step that its user is at.
    var position: Int { max(0, next - 1) }

    /// Its user has thought about the next step for long enough.
    mutating func proceed() -> [RequestWriter.Draft] {
        isThinking = false
        var drafts: [RequestWriter.Draft] = []
        while let step = sendable(after: drafts.count) {
            let writer = RequestWriter(session: plan.id, step: next)
            next += 1
            drafts += begin(step, writer)
        }
        return drafts
    }

    private func sendable(after sent: Int) -> Step? {
        guard next < plan.steps.count else { return nil }
        let step = plan.steps[next]
        if awaited.isEmpty { return step }
        let isSimpleRun = next > 0 && plan.steps[next - 1].isSimple && step.isSimple
        return plan.isAhead && awaited.count == 1 && sent == 1 && isSimpleRun ? step : nil
    }

    private mutating func begin(_ step: Step, _ writer: RequestWriter) -> [RequestWriter.Draft] {
        let drafts: [RequestWriter.Draft]
        switch step {
        case .message(let text): drafts = [writer.message(text)]
        case .approval(let text, let isGranted):
            drafts = [writer.message(text)]
            approval = (drafts[0].id, nil, isGranted)
        case .stopped(let text, let pieces):
            drafts = [writer.message(text)]
            stop = (drafts[0].id, pieces)
        case .regenerate: drafts = [writer.regenerate()]
        case .duplicate(let text):
            drafts = [writer.message(text, key: "\(plan.id)-\(writer.step)")]
            duplicate = (drafts[0].id, text)
        case .garbage(let garbage, let text): drafts = [writer.garbage(garbage), writer.message(text)]
        case .poison(let text): drafts = [writer.message(text, isPoison: true)]
        }
        awaited += drafts.filter { $0.role != .garbage }.map(\.id)
        return drafts
    }

    /// What is to be done about an event.
    struct Response: Sendable {
        var drafts: [RequestWriter.Draft] = []
        /// Whether its user now thinks about the next step.
        var thinks = false
    }

    /// The reader has another event.
    mutating func heard(_ event: Event) -> Response {
        var response = Response()
        let writer = RequestWriter(session: plan.id, step: position)
        switch event.body {
        case .chunk(.textDelta) where stop?.request == event.requestID:
            stop?.pieces -= 1
            if let pieces = stop?.pieces, pieces <= 0 {
                stop = nil
                response.drafts = [writer.stop()]
            }
        case .chunk(.toolApprovalRequest(let request)) where approval?.request == event.requestID:
            approval?.call = request.toolCallID
        case .control(let control) where control.closesRequest:
            guard let id = event.requestID, let index = awaited.firstIndex(of: id) else { break }
            awaited.remove(at: index)
            if case .turnComplete(let complete) = control {
                completedTurns += 1
                response.drafts = followUp(id, complete, writer)
                awaited += response.drafts.map(\.id)
            }
            if awaited.isEmpty, !isThinking, next < plan.steps.count {
                isThinking = true
                response.thinks = true
            }
        default: break
        }
        return response
    }

    /// What a step has beyond its first turn.
    private mutating func followUp(
        _ id: String, _ complete: TurnComplete, _ writer: RequestWriter
    ) -> [RequestWriter.Draft] {
        if stop?.request == id { stop = nil }
        if let pending = approval, pending.request == id {
            approval = nil
            guard complete.outcome == .completed, let call = pending.call else { return [] }
            return [writer.approval(of: call, isGranted: pending.isGranted)]
        }
        if let pending = duplicate, pending.request == id {
            duplicate = nil
            return [writer.duplicate(pending.text, key: "\(plan.id)-\(writer.step)")]
        }
        return []
    }
}
