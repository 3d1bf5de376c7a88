import ChatAgent
package import Conversation
import Kafka

/// A settled turn as the topics have it, with the conversation that it answered.
package struct RecordedTurn: Sendable {
    /// What a replay compares of an answer.
    package struct Answer: Sendable, Hashable {
        package var outcome: TurnOutcome
        package var text: String
        /// Each call of a tool with its input and what came of it, as one line.
        package var calls: [String]
        package var usage: Usage?
        package var error: String?

        package init(
            outcome: TurnOutcome, text: String, calls: [String] = [], usage: Usage? = nil, error: String? = nil
        ) {
            self.outcome = outcome
            self.text = text
            self.calls = calls
            self.usage = usage
            self.error = error
        }

        init(_ outcome: TurnOutcome, _ parts: some Sequence<Part>, usage: Usage?, error: String?) {
            self.init(
                outcome: outcome,
                text: parts.compactMap { if case .text(let part) = $0 { part.text } else { nil } }.joined(
                    separator: "\n"),
                calls: parts.compactMap { if case .tool(let call) = $0 { call.line } else { nil } }, usage: usage,
                error: error)
        }
    }

    package let session: String
    package let turn: Int
    /// The request that the turn answered.
    package let partition: Int32
    package let offset: Int64
    package let requestID: String
    /// When the request was written; milliseconds since 1970.
    package let requestedAt: Int64
    /// The question's text; empty for a request without one.
    package let question: String
    package let answer: Answer
    /// The request with the session as it was before the turn.
    let request: RequestInHand
    /// The answer's parts, with those that earlier turns have begun: what came of a call that was granted is among them.
    let parts: [Part]

    init(
        _ folded: FoldedRequest, _ complete: TurnComplete, _ request: RequestInHand, _ message: Message, baseCount: Int
    ) {
        session = folded.session
        turn = complete.turn
        partition = request.dispatch.record.partition
        offset = folded.requestOffset
        requestID = folded.requestID
        requestedAt = request.dispatch.record.timestamp
        question = if case .message(let message) = request.request.kind { message.text } else { "" }
        parts = message.parts
        answer = Answer(
            complete.outcome, message.parts.dropFirst(baseCount), usage: complete.usage,
            error: complete.error?["message"]?.stringValue)
        self.request = request
    }
}

extension ToolPart {
    /// The call and what came of it: not its id, which a model makes up anew each time.
    fileprivate var line: String {
        let outcome: String
        switch state {
        case .outputAvailable: outcome = output?.sortedString ?? "null"
        case .outputError: outcome = "error: \(errorText ?? "")"
        default: outcome = state.rawValue
        }
        return "\(toolName)(\(input?.sortedString ?? "")) = \(outcome)"
    }
}
