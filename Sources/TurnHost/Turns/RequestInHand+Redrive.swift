import ChatAgent
import Conversation
import Kafka
import SessionStore

extension RequestInHand {
    /// Whether the request was set aside before, and an operator has sent it again.
    var isRedriven: Bool { dispatch.record.redrive != nil }

    /// Takes out of the history what the request's given-up turn left there at its end: the question, which is about
    /// to be asked again, and the piece of an answer. Once the conversation has gone on, both stay where they are.
    @inline(never)
    mutating func takeBackGivenUpTurn() {
        guard isRedriven, case .message(let message) = request.kind, message.role == .user,
            let last = memory.lastControl, last.requestID == requestID, last.isGivenUpTurn,
            let question = memory.chain.index(of: message.id),
            memory.chain.messages[(question + 1)...].allSatisfy({ $0.role == .assistant })
        else { return }
        memory.chain.truncate(to: question)
    }
}

extension StoredEvent {
    /// Whether it says that a turn was dead-lettered.
    fileprivate var isGivenUpTurn: Bool {
        guard control == "turn-complete", let value = try? JSON(parsing: body) else { return false }
        return value["outcome"]?.stringValue == TurnOutcome.deadLettered.rawValue
    }
}
