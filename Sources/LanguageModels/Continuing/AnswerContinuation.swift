/// How a model is asked to go on with an unfinished answer.
public enum AnswerContinuation: String, Sendable, Hashable, CaseIterable {
    /// With the answer's beginning as the last message; by an instruction if the provider refuses that.
    case automatic
    /// With the answer's beginning as the last message, which the model goes on with.
    case prefill
    /// With the answer's beginning, and behind it an instruction to go on.
    case instruct
}
