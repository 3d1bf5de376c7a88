import Conversation
import SessionStore

extension SessionAudit {
    private struct Entry: Hashable {
        let role: Role
        var answer: Answer
    }

    /// The store has what an undisturbed conversation would have said, and so have the readers.
    mutating func checkHistory() {
        var history: [Entry] = []
        var question: (text: String, id: String, count: Int)?
        for request in evidence.requests where request.role.isTurn {
            guard let complete = complete(request) else { continue }
            var read = Answer()
            switch request.role {
            case .message(let text, _):
                history.append(Entry(role: .user, answer: Answer([.text(text)])))
                question = (text, request.messageID ?? "", history.count)
            case .regenerate:
                while history.last?.role == .assistant { history.removeLast() }
                question?.count = history.count
            case .approval(let isGranted):
                if history.last?.role == .assistant { read = history.removeLast().answer }
                for call in read.calls where call.state == .asked {
                    read.setState(ofCall: call.id, .answered(isGranted: isGranted))
                }
            case .stop, .duplicate, .garbage: continue
            }
            read.apply(chunks[complete.turn] ?? [])
            guard let question else { continue }
            let whole = ExpectedAnswer.to(question.text, messageID: question.id, promptCount: question.count)
            check(read, whole, request, complete)
            let kept = complete.outcome == .completed ? read : read.withoutOpenCalls
            if !kept.isEmpty { history.append(Entry(role: .assistant, answer: kept)) }
        }
        compare(history)
    }

    /// Holds what a reader has of an answer against what the whole answer is.
    private mutating func check(_ read: Answer, _ whole: Answer, _ request: SentRequest, _ complete: TurnComplete) {
        let expected = expectation(whole, request)
        guard complete.outcome == .completed else {
            if !read.begins(expected) {
                find(.changed, request, "the beginning of an answer", expected: expected.pieces, came: read.pieces)
            }
            return
        }
        var judged = read
        let hasDied = (runs[complete.turn]?.count ?? 1) > 1
        for call in read.calls where hasDied && call.isInDoubt {
            judged.setState(ofCall: call.id, .done(ExpectedAnswer.output(of: call.id)))
        }
        // The call whose approval this turn answers may have been made, or be in doubt, like any other.
        if judged != expected {
            find(.changed, request, "the answer", expected: expected.pieces, came: read.pieces)
        }
    }

    /// The whole answer as far as this request brings it, with what was said to its calls.
    private func expectation(_ whole: Answer, _ request: SentRequest) -> Answer {
        var expected = Answer()
        for piece in whole.pieces {
            guard case .call(var call) = piece, ChaosTool(rawValue: call.tool)?.needsApproval == true else {
                expected.append(piece)
                continue
            }
            switch request.role {
            case .approval(isGranted: true): expected.append(piece)
            case .approval(isGranted: false):
                call.state = .denied
                expected.append(.call(call))
            default:
                call.state = .asked
                expected.append(.call(call))
                return expected
            }
        }
        return expected
    }

    private mutating func compare(_ history: [Entry]) {
        guard let stored = evidence.stored else {
            if !history.isEmpty { find(.lost, nil, "the session", expected: "it in the store", came: "nothing") }
            return
        }
        var messages: [Entry] = []
        for message in stored.messages {
            do {
                let message = try Message(parsing: message.body)
                messages.append(Entry(role: message.role, answer: Answer(message)))
            } catch {
                find(.changed, nil, "the stored message \(message.id)", expected: "a message", came: error)
            }
        }
        guard messages != history else { return }
        let place = zip(history, messages).enumerated().first { $1.0 != $1.1 }
        let subject = "the stored history" + (place.map { ", message \($0.offset)" } ?? "'s length")
        let kind: Finding.Kind =
            messages.count > history.count ? .duplicated : messages.count < history.count ? .lost : .changed
        find(
            kind, nil, subject, expected: place.map { "\($0.element.0)" } ?? "\(history.count)",
            came: place.map { "\($0.element.1)" } ?? "\(messages.count)")
    }
}

extension Answer.Call {
    /// Whether nobody knows if it was made, and its tool is one that must not be called again then.
    fileprivate var isInDoubt: Bool {
        guard case .failed(let text) = state, text.hasPrefix("the outcome of this call is unknown") else {
            return false
        }
        return ChaosTool(rawValue: tool)?.runsAgainInDoubt == false
    }
}
