extension Message {
    /// The chunks that this message is streamed as, from `start` to `finish`: assembling them gives the message back.
    ///
    /// The stream can express an assistant's message of text, reasoning, calls, sources, files and data. Text and
    /// reasoning parts without a state, or still streaming, come out `done`; their chunks are named `t` or `r` and the
    /// part's index (`t0`, `r1`). What the stream has no words for is left out: unknown parts, unknown members other
    /// than those of sources, files and data, names of files, and the answer to an approval (a call in
    /// `approval-responded` comes out as `approval-requested`).
    ///
    /// - Parameters:
    ///   - firstPart: The index of the first part to stream, for a reader that has those before it.
    ///   - finishReason: The reason that `finish` gives.
    public func chunks(startingAt firstPart: Int = 0, finishReason: FinishReason? = .stop) -> [Chunk] {
        var chunks: [Chunk] = [.start(messageID: id.isEmpty ? nil : id, messageMetadata: metadata)]
        var isStepOpen = false
        for (index, part) in parts.enumerated().dropFirst(firstPart) {
            if case .stepStart = part {
                if isStepOpen { chunks.append(.finishStep()) }
                isStepOpen = true
            }
            chunks.append(contentsOf: part.chunks(at: index))
        }
        if isStepOpen { chunks.append(.finishStep()) }
        chunks.append(.finish(finishReason: finishReason))
        return chunks
    }
}

extension Part {
    fileprivate func chunks(at index: Int) -> [Chunk] {
        switch self {
        case .text(let part):
            let id = "t\(index)"
            let start = Chunk.textStart(TextBoundary(id: id, providerMetadata: part.providerMetadata))
            return [start] + (part.text.isEmpty ? [] : [.textDelta(id: id, delta: part.text)]) + [.textEnd(id: id)]
        case .reasoning(let part):
            let id = "r\(index)"
            let start = Chunk.reasoningStart(TextBoundary(id: id, providerMetadata: part.providerMetadata))
            let deltas = part.text.isEmpty ? [] : [Chunk.reasoningDelta(id: id, delta: part.text)]
            return [start] + deltas + [.reasoningEnd(id: id)]
        case .tool(let part): return part.chunks
        case .file(var part):
            // The AI SDK's reader refuses a file chunk with a member that it does not know.
            part.filename = nil
            return [.file(part)]
        case .sourceURL(let part): return [.sourceURL(part)]
        case .sourceDocument(let part): return [.sourceDocument(part)]
        case .data(let part):
            return [.data(DataChunk(name: part.name, id: part.id, data: part.data, unknown: part.unknown))]
        case .stepStart: return [.startStep()]
        case .unknown: return []
        }
    }
}

extension ToolPart {
    private var isMalformedCall: Bool { state == .outputError && (rawInput != nil || input == nil) }

    fileprivate var chunks: [Chunk] {
        if state == .inputStreaming { return streamingChunks }
        if isMalformedCall { return malformedCall }
        var chunks: [Chunk] = [
            .toolInputAvailable(
                ToolInputAvailable(
                    toolCallID: toolCallID, toolName: toolName, input: input, providerExecuted: providerExecuted,
                    dynamic: dynamic, title: title, providerMetadata: callProviderMetadata))
        ]
        if let approval { chunks.append(.toolApprovalRequest(approvalID: approval.id, toolCallID: toolCallID)) }
        switch state {
        case .outputAvailable:
            chunks.append(
                .toolOutputAvailable(
                    ToolOutputAvailable(
                        toolCallID: toolCallID, output: output, preliminary: preliminary, dynamic: dynamic,
                        providerMetadata: resultProviderMetadata)))
        case .outputError:
            chunks.append(
                .toolOutputError(
                    ToolOutputError(
                        toolCallID: toolCallID, errorText: errorText ?? "", dynamic: dynamic,
                        providerMetadata: resultProviderMetadata)))
        case .outputDenied: chunks.append(.toolOutputDenied(toolCallID: toolCallID))
        case .inputStreaming, .inputAvailable, .approvalRequested, .approvalResponded: break
        }
        return chunks
    }

    /// The stream leaves `dynamic` out where it is false.
    private var dynamic: Bool? { isDynamic ? true : nil }

    private var streamingChunks: [Chunk] {
        let start = Chunk.toolInputStart(
            ToolInputStart(
                toolCallID: toolCallID, toolName: toolName, providerExecuted: providerExecuted, dynamic: dynamic,
                title: title, providerMetadata: callProviderMetadata))
        guard let input else { return [start] }
        return [start, .toolInputDelta(toolCallID: toolCallID, inputTextDelta: input.serializedString)]
    }

    private var malformedCall: [Chunk] {
        let failure = Chunk.toolInputError(
            ToolInputError(
                toolCallID: toolCallID, toolName: toolName, input: isDynamic ? input : rawInput,
                errorText: errorText ?? "", providerExecuted: providerExecuted, dynamic: dynamic, title: title,
                providerMetadata: resultProviderMetadata))
        guard let callProviderMetadata else { return [failure] }
        // Only the beginning of a call has room for the call's own metadata.
        let start = Chunk.toolInputStart(
            ToolInputStart(
                toolCallID: toolCallID, toolName: toolName, dynamic: dynamic, providerMetadata: callProviderMetadata))
        return [start, failure]
    }
}
