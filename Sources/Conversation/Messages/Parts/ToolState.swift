/// How far a call of a tool has come.
public enum ToolState: String, Sendable, Hashable, CaseIterable {
    /// The model is still writing the call.
    case inputStreaming = "input-streaming"
    /// The call is complete; there is no result yet.
    case inputAvailable = "input-available"
    /// Somebody must allow the call before it is made.
    case approvalRequested = "approval-requested"
    /// Somebody allowed or refused the call.
    case approvalResponded = "approval-responded"
    /// There is a result; it may be preliminary.
    case outputAvailable = "output-available"
    /// The call failed, or the model's call was malformed.
    case outputError = "output-error"
    /// The call was refused.
    case outputDenied = "output-denied"

    /// Whether the call has come to its end, so that the state must never change again. A preliminary result is the one
    /// exception that the state alone does not show: see ``ToolPart/isSettled``.
    public var isTerminal: Bool {
        switch self {
        case .outputAvailable, .outputError, .outputDenied: true
        case .inputStreaming, .inputAvailable, .approvalRequested, .approvalResponded: false
        }
    }

    /// Whether the call has neither a result nor a question to a person: a partial answer loses such a call.
    public var isUnfinished: Bool { self == .inputStreaming || self == .inputAvailable }
}
