extension MessageAssembler {
    /// The part that a chunk about a call's input is for: the call's own, if it is in this step and has no end yet. A
    /// provider that uses an id again in a later step begins another call, and what the earlier one was given stays.
    private mutating func callPosition(_ id: String) -> Int? {
        guard let index = toolPositions[id], case .tool(var tool) = assembled.parts[index] else { return nil }
        if index >= stepPosition && !tool.isSettled { return index }
        if let text = rawInputs.removeValue(forKey: id) {
            tool.input = PartialJSON.value(of: text)
            assembled.parts[index] = .tool(tool)
        }
        return nil
    }

    private mutating func setCall(_ part: ToolPart, at known: Int?, _ seq: Int64?) {
        if let known {
            assembled.parts[known] = .tool(part)
            touch(known, seq)
        } else {
            toolPositions[part.toolCallID] = append(.tool(part), seq)
        }
    }

    /// The part at `index`, or a new one, as it stands when the model (again) writes that call.
    private func call(at index: Int?, id: String, name: String, dynamic: Bool?, state: ToolState) -> ToolPart {
        guard let index, case .tool(var part) = assembled.parts[index] else {
            return ToolPart(toolCallID: id, toolName: name, isDynamic: dynamic ?? false, state: state)
        }
        part.toolName = name
        part.state = state
        part.input = nil
        part.rawInput = nil
        part.output = nil
        part.errorText = nil
        part.preliminary = nil
        return part
    }

    mutating func begin(_ start: ToolInputStart, _ seq: Int64?) {
        let index = callPosition(start.toolCallID)
        var part = call(
            at: index, id: start.toolCallID, name: start.toolName, dynamic: start.dynamic, state: .inputStreaming)
        part.providerExecuted = start.providerExecuted ?? part.providerExecuted
        part.title = start.title ?? part.title
        part.callProviderMetadata = start.providerMetadata ?? part.callProviderMetadata
        setCall(part, at: index, seq)
        rawInputs[start.toolCallID] = ""
    }

    mutating func append(_ delta: ToolInputDelta, _ seq: Int64?) throws(AssemblyError) {
        guard let index = toolPositions[delta.toolCallID],
            rawInputs[delta.toolCallID]?.append(delta.inputTextDelta) != nil
        else {
            throw AssemblyError(reason: .inputNotOpen, chunkType: "tool-input-delta", id: delta.toolCallID)
        }
        touch(index, seq)
    }

    mutating func complete(_ call: ToolInputAvailable, _ seq: Int64?) {
        let index = callPosition(call.toolCallID)
        var part = self.call(
            at: index, id: call.toolCallID, name: call.toolName, dynamic: call.dynamic, state: .inputAvailable)
        part.input = call.input
        part.providerExecuted = call.providerExecuted ?? part.providerExecuted
        part.title = call.title ?? part.title
        part.callProviderMetadata = call.providerMetadata ?? part.callProviderMetadata
        setCall(part, at: index, seq)
        rawInputs[call.toolCallID] = nil
    }

    mutating func fail(_ failure: ToolInputError, _ seq: Int64?) {
        let index = callPosition(failure.toolCallID)
        var part = call(
            at: index, id: failure.toolCallID, name: failure.toolName, dynamic: failure.dynamic, state: .outputError)
        if part.isDynamic { part.input = failure.input } else { part.rawInput = failure.input }
        part.errorText = failure.errorText
        part.providerExecuted = failure.providerExecuted ?? part.providerExecuted
        part.title = failure.title ?? part.title
        part.resultProviderMetadata = failure.providerMetadata ?? part.resultProviderMetadata
        setCall(part, at: index, seq)
        rawInputs[failure.toolCallID] = nil
    }

    mutating func apply(_ request: ToolApprovalRequest, _ seq: Int64?) throws(AssemblyError) {
        try changeTool(request.toolCallID, "tool-approval-request", seq, unless: \.isSettled) { part in
            part.state = .approvalRequested
            part.approval = ToolApproval(id: request.approvalID)
        }
    }

    mutating func apply(_ result: ToolOutputAvailable, _ seq: Int64?) throws(AssemblyError) {
        try changeTool(result.toolCallID, "tool-output-available", seq, unless: \.isDenied) { part in
            part.state = .outputAvailable
            part.output = result.output
            part.errorText = nil
            part.preliminary = result.preliminary
            part.providerExecuted = result.providerExecuted ?? part.providerExecuted
            part.resultProviderMetadata = result.providerMetadata ?? part.resultProviderMetadata
        }
    }

    mutating func apply(_ failure: ToolOutputError, _ seq: Int64?) throws(AssemblyError) {
        try changeTool(failure.toolCallID, "tool-output-error", seq, unless: \.isDenied) { part in
            part.state = .outputError
            part.output = nil
            part.errorText = failure.errorText
            part.preliminary = nil
            part.providerExecuted = failure.providerExecuted ?? part.providerExecuted
            part.resultProviderMetadata = failure.providerMetadata ?? part.resultProviderMetadata
        }
    }

    mutating func apply(_ denial: ToolOutputDenied, _ seq: Int64?) throws(AssemblyError) {
        try changeTool(denial.toolCallID, "tool-output-denied", seq, unless: \.isSettledOtherwiseThanDenied) { part in
            part.state = .outputDenied
            part.output = nil
            part.preliminary = nil
            part.approval?.approved = false
        }
    }

    private mutating func changeTool(
        _ id: String, _ chunkType: String, _ seq: Int64?, unless isRefused: (ToolPart) -> Bool,
        _ change: (inout ToolPart) -> Void
    ) throws(AssemblyError) {
        guard let index = toolPositions[id], case .tool(var part) = assembled.parts[index] else {
            throw AssemblyError(reason: .unknownToolCall, chunkType: chunkType, id: id)
        }
        guard !isRefused(part) else { throw AssemblyError(reason: .toolCallSettled, chunkType: chunkType, id: id) }
        // What follows a call ends its input, complete or not.
        if let text = rawInputs.removeValue(forKey: id) { part.input = PartialJSON.value(of: text) }
        change(&part)
        assembled.parts[index] = .tool(part)
        touch(index, seq)
    }
}

extension ToolPart {
    fileprivate var isDenied: Bool { state == .outputDenied }
    fileprivate var isSettledOtherwiseThanDenied: Bool { isSettled && !isDenied }
}
