public import Conversation

/// Something that the model may ask to have done: what it is called, what it takes, and what happens.
public struct Tool: Sendable {
    /// Carries a call out. The value that it returns is the call's output.
    public typealias Body = @Sendable (ToolCall) async throws -> JSON

    /// Who carries a call out.
    public enum Execution: Sendable {
        /// This process. An error thrown is the call's result, in the error's own words, and the model is told; it does
        /// not fail the turn. The task is cancelled when the turn ends or the tool's time is up.
        case local(Body)
        /// Somebody outside, a person or a client: the turn ends with the call open, and goes on when the answer comes
        /// as a request.
        case external
    }

    /// Whether somebody has to allow a call before it is carried out.
    public enum Approval: Sendable {
        case never
        case always
        /// Decided for each call. An error counts as `true`: nothing runs that nobody could judge.
        case when(@Sendable (ToolCall) async throws -> Bool)
    }

    /// What is to be done about a call that had begun when its run died, so that nobody knows whether it took effect.
    public enum Doubt: Sendable {
        /// The call gets an error as its result, which says that its outcome is not known. The model decides.
        case reportUnknown
        /// The call is made again: the tool promises that twice is the same as once.
        case runAgain
        /// The tool finds out by itself.
        case reconcile(@Sendable (ToolCall) async throws -> Reconciliation)
    }

    /// What a tool found out about a call in doubt.
    public enum Reconciliation: Sendable {
        /// The call took effect, with this output.
        case done(JSON)
        /// The call took effect and failed.
        case failed(String)
        /// The call took no effect: it is to be made now.
        case notDone
        /// There is no telling.
        case unknown
    }

    /// The name that the model calls it by.
    public var name: String
    /// What it does, for the model.
    public var description: String
    /// What a call's input must be. Nothing runs on an input that violates it.
    public var inputSchema: JSONSchema
    public var execution: Execution
    public var approval: Approval
    /// How long a call may take. Then it is cancelled, and its result is an error.
    public var timeout: Duration
    public var doubt: Doubt
    /// Whether a call changes nothing outside: then a replay of recorded conversations may carry it out. Of every other
    /// tool a replay gives back what was recorded.
    public var isReadOnly = false
    /// What of an output the model is shown, each time it is shown; `nil` shows all.
    public var modelOutput: (@Sendable (JSON) -> JSON)?

    /// Makes a tool with a body.
    public init(
        _ name: String, description: String, input schema: JSONSchema, approval: Approval = .never,
        timeout: Duration = .seconds(60), doubt: Doubt = .reportUnknown,
        modelOutput: (@Sendable (JSON) -> JSON)? = nil, body: @escaping Body
    ) {
        self.init(
            name, description: description, input: schema, execution: .local(body), approval: approval,
            timeout: timeout, doubt: doubt, modelOutput: modelOutput)
    }

    /// Makes a tool that is carried out as `execution` says.
    public init(
        _ name: String, description: String, input schema: JSONSchema, execution: Execution,
        approval: Approval = .never, timeout: Duration = .seconds(60), doubt: Doubt = .reportUnknown,
        modelOutput: (@Sendable (JSON) -> JSON)? = nil
    ) {
        self.name = name
        self.description = description
        self.inputSchema = schema
        self.execution = execution
        self.approval = approval
        self.timeout = timeout
        self.doubt = doubt
        self.modelOutput = modelOutput
    }

    /// Makes a tool that is answered from outside.
    public static func external(
        _ name: String, description: String, input schema: JSONSchema,
        modelOutput: (@Sendable (JSON) -> JSON)? = nil
    ) -> Tool {
        Tool(name, description: description, input: schema, execution: .external, modelOutput: modelOutput)
    }
}

/// The result of a call that went wrong in a way that the model can be told.
public struct ToolError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence, for the model and for readers.
    public let message: String

    /// Makes an error.
    public init(_ message: String) {
        self.message = message
    }

    public var description: String { message }
}
