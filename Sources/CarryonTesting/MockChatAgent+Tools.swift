public import Conversation

extension MockChatAgent {
    /// The calls that wait for somebody outside, as the ``checkpoint`` has them: for a result (`input-available`), or
    /// for an approval (`approval-requested`). Those of the last assistant message, in order.
    public var waitingCalls: [ToolPart] {
        let answer = checkpoint?.messages.last { $0.role == .assistant }
        return (answer?.parts ?? []).compactMap { part in
            guard case .tool(let call) = part else { return nil }
            return call.state == .inputAvailable || call.state == .approvalRequested ? call : nil
        }
    }

    /// Answers a call that waits with its output; the answer that holds the call goes on.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func answerTool(callID: String, output: JSON, data: JSON? = nil) async throws -> MockTurn {
        try await send(.toolAnswer(.output(callID: callID, output)), data: data)
    }

    /// Answers a call that waits with an error; the answer that holds the call goes on.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func answerTool(callID: String, errorText: String, data: JSON? = nil) async throws -> MockTurn {
        try await send(.toolAnswer(.error(callID: callID, errorText)), data: data)
    }

    /// Allows a call that waits for it; it is made, and the answer that holds it goes on.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func approve(callID: String, reason: String? = nil, data: JSON? = nil) async throws -> MockTurn {
        try await send(.toolAnswer(.approval(callID: callID, isGranted: true, reason: reason)), data: data)
    }

    /// Refuses a call that waits to be allowed; the answer that holds it goes on without it.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func deny(callID: String, reason: String? = nil, data: JSON? = nil) async throws -> MockTurn {
        try await send(.toolAnswer(.approval(callID: callID, isGranted: false, reason: reason)), data: data)
    }
}
