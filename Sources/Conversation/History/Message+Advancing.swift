extension Message {
    /// This stored answer with the calls that `wire` may bring forward: results of calls, and answers to questions
    /// whether a call may be made. `nil` if nothing advances.
    ///
    /// | stored call | on the wire | becomes |
    /// | --- | --- | --- |
    /// | settled (``ToolPart/isSettled``) | anything | stays |
    /// | not settled | `output-available`, not preliminary | that state and output |
    /// | not settled | `output-error` | that state and error text, without an earlier preliminary output |
    /// | `approval-requested` | `approval-responded` with an answer | that state and answer |
    /// | `approval-requested`, or refused | `output-denied` without a grant | that state; refused |
    /// | anything else | anything else | stays |
    ///
    /// A preliminary result is not an end: a final one replaces it, an answer to a question that was never asked does
    /// not, and a preliminary result on the wire is no result. A result may overtake the question, and may bring the
    /// answer to it along.
    ///
    /// An answer counts only for the question that was asked: the call waits in `approval-requested`, and the ids of
    /// the questions are the same. What was answered once stays answered so. Nobody can grant a call that nobody asked
    /// about.
    ///
    /// All else of the stored message stays: its calls' inputs, metadata and unknown members, its text and its
    /// reasoning. Calls that only `wire` has are ignored, as is a call without an id. If `wire` has a call more than
    /// once, the first that advances counts; if the stored message has, because the provider used the id again, only
    /// the latest can advance. Messages of other roles than assistant neither advance nor are advanced.
    ///
    /// Takes time in proportion to the number of parts.
    public func advanced(by wire: Message) -> Message? {
        guard role == .assistant, wire.role == .assistant else { return nil }
        var offers: [String: [ToolPart]] = [:]
        for case .tool(let tool) in wire.parts where !tool.toolCallID.isEmpty {
            offers[tool.toolCallID, default: []].append(tool)
        }
        guard !offers.isEmpty else { return nil }
        var result = self
        var advances = false
        for (index, part) in parts.enumerated().reversed() {
            // Taking the offers out leaves none for an earlier call of the same id.
            guard case .tool(let tool) = part, let offered = offers.removeValue(forKey: tool.toolCallID),
                let advanced = offered.lazy.compactMap({ tool.advanced(by: $0) }).first
            else { continue }
            result.parts[index] = .tool(advanced)
            advances = true
        }
        return advances ? result : nil
    }
}

extension ToolPart {
    fileprivate func advanced(by wire: ToolPart) -> ToolPart? {
        guard !isSettled else { return nil }
        switch wire.state {
        case .outputAvailable: return wire.preliminary == true ? nil : succeeded(as: wire)
        case .outputError: return failed(as: wire)
        case .approvalResponded: return answered(by: wire)
        case .outputDenied: return denied(by: wire)
        case .inputStreaming, .inputAvailable, .approvalRequested: return nil
        }
    }

    private func succeeded(as wire: ToolPart) -> ToolPart {
        var part = self
        part.approval = answeredApproval(wire.approval) ?? approval
        part.state = .outputAvailable
        part.output = wire.output
        part.preliminary = nil
        return part
    }

    private func failed(as wire: ToolPart) -> ToolPart {
        var part = self
        part.approval = answeredApproval(wire.approval) ?? approval
        part.state = .outputError
        part.errorText = wire.errorText ?? ""
        part.output = nil
        part.preliminary = nil
        return part
    }

    private func answered(by wire: ToolPart) -> ToolPart? {
        guard let answer = answeredApproval(wire.approval) else { return nil }
        var part = self
        part.state = .approvalResponded
        part.approval = answer
        return part
    }

    private func denied(by wire: ToolPart) -> ToolPart? {
        guard var refusal = wire.approval, refusal.approved != true, refusal.id == approval?.id else { return nil }
        var part = self
        switch state {
        case .approvalRequested:
            refusal.approved = false
            part.approval = answeredApproval(refusal)
        case .approvalResponded:
            guard approval?.approved == false else { return nil }
        case .inputStreaming, .inputAvailable, .outputAvailable, .outputError, .outputDenied: return nil
        }
        part.state = .outputDenied
        return part
    }

    /// The question with the answer that was given; `nil` if there is no open question or no answer to it.
    private func answeredApproval(_ answer: ToolApproval?) -> ToolApproval? {
        guard state == .approvalRequested, var question = approval, let answer, answer.id == question.id,
            let approved = answer.approved
        else { return nil }
        question.approved = approved
        question.reason = answer.reason
        for (name, value) in answer.unknown where question.unknown[name] == nil { question.unknown[name] = value }
        return question
    }
}
