import Conversation

/// The body of a request to the messages API.
///
/// What stays the same from call to call is marked for the provider's cache: the tools, the instructions, and the
/// conversation up to its last message.
struct AnthropicRequest {
    let json: JSON

    init(
        model: String, prompt: ModelPrompt, tools: [ToolDefinition], form: Continuing.Form?, maximumTokens: Int,
        thinkingTokens: Int?
    ) {
        var system: [JSONObject] = []
        var messages: [(role: String, blocks: [JSONObject])] = []
        for entry in prompt.entries {
            switch entry {
            case .system(let text): system.append(["type": "text", "text": .string(text)])
            case .user(let pieces): messages.append(("user", pieces.compactMap(\.block)))
            case .results(let results): messages.append(("user", results.map(\.block)))
            case .assistant(let pieces): messages.append(("assistant", pieces.compactMap(\.block)))
            }
        }
        messages.removeAll { $0.blocks.isEmpty }
        if messages.first?.role == "assistant" {
            // The API wants a user's message first.
            messages.insert(("user", [["type": "text", "text": "(The assistant opens the conversation.)"]]), at: 0)
        }
        let prefill = form == .prefill ? messages.popLast() : nil
        if form == .instruct, let said = prompt.unfinished {
            let text = ContinuationInstruction.text(after: said)
            messages.append(("user", [["type": "text", "text": .string(text)]]))
        }
        if let last = messages.indices.last { Self.markLast(&messages[last].blocks) }
        if var prefill, let last = prefill.blocks.indices.last, let said = prefill.blocks[last]["text"]?.stringValue {
            prefill.blocks[last]["text"] = .string(String(Self.withoutTrailingSpace(said)))
            messages.append(prefill)
        }
        Self.markLast(&system)
        var definitions = tools.map(\.block)
        Self.markLast(&definitions)

        var body: JSONObject = ["model": .string(model), "max_tokens": .number(JSONNumber(maximumTokens))]
        body["stream"] = true
        if !system.isEmpty { body["system"] = .array(system.map { .object($0) }) }
        if !definitions.isEmpty { body["tools"] = .array(definitions.map { .object($0) }) }
        if let thinkingTokens {
            body["thinking"] = ["type": "enabled", "budget_tokens": .number(JSONNumber(thinkingTokens))]
        }
        body["messages"] = .array(
            messages.map { ["role": .string($0.role), "content": .array($0.blocks.map { .object($0) })] })
        json = .object(body)
    }

    /// What may stand at the end of a message that is gone on with: the API refuses white space there.
    static func withoutTrailingSpace(_ text: String) -> Substring {
        let end = text.unicodeScalars.lastIndex { !$0.properties.isWhitespace }
        return end.map { text[..<text.unicodeScalars.index(after: $0)] } ?? text[..<text.startIndex]
    }

    /// Marks the end of what may be kept. Thoughts can't be marked.
    private static func markLast(_ blocks: inout [JSONObject]) {
        let isThought = { (block: JSONObject) in block["type"]?.stringValue?.hasSuffix("thinking") == true }
        guard let last = blocks.lastIndex(where: { !isThought($0) }) else { return }
        blocks[last]["cache_control"] = ["type": "ephemeral"]
    }

    /// An id as the API takes them: a call that another provider named may have other characters.
    static func callID(_ id: String) -> String {
        String(
            id.unicodeScalars.map { scalar in
                let isLegal = scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                return isLegal || scalar == "_" || scalar == "-" ? Character(scalar) : "_"
            })
    }
}

extension ToolDefinition {
    fileprivate var block: JSONObject {
        ["name": .string(name), "description": .string(description), "input_schema": inputSchema]
    }
}

extension ModelPrompt.UserPiece {
    fileprivate var block: JSONObject? {
        switch self {
        case .text(let text): AnthropicRequest.textBlock(text)
        case .file(let file): file.block
        }
    }
}

extension ModelPrompt.CallResult {
    fileprivate var block: JSONObject {
        var block: JSONObject = ["type": "tool_result", "tool_use_id": .string(AnthropicRequest.callID(id))]
        if !text.isEmpty { block["content"] = .string(text) }
        if isError { block["is_error"] = true }
        return block
    }
}

extension ModelPrompt.AssistantPiece {
    /// `nil` for what the API does not take: blank text, and thoughts without its signature.
    fileprivate var block: JSONObject? {
        switch self {
        case .text(let text): return AnthropicRequest.textBlock(text)
        case .call(let call):
            return [
                "type": "tool_use", "id": .string(AnthropicRequest.callID(call.toolCallID)),
                "name": .string(call.toolName), "input": .object(call.inputObject),
            ]
        case .reasoning(let part):
            let metadata = part.providerMetadata?["anthropic"]
            if let data = metadata?["redactedData"]?.stringValue {
                return ["type": "redacted_thinking", "data": .string(data)]
            }
            guard let signature = metadata?["signature"]?.stringValue else { return nil }
            return ["type": "thinking", "thinking": .string(part.text), "signature": .string(signature)]
        }
    }
}

extension AnthropicRequest {
    fileprivate static func textBlock(_ text: String) -> JSONObject? {
        text.allSatisfy(\.isWhitespace) ? nil : ["type": "text", "text": .string(text)]
    }
}

extension FilePart {
    fileprivate var block: JSONObject? {
        let type = mediaType.lowercased()
        let data = DataURL(url)
        if isImage || type == "application/pdf" {
            let source: JSON =
                data.map { ["type": "base64", "media_type": .string(type), "data": .string($0.base64)] }
                ?? ["type": "url", "url": .string(url)]
            return ["type": isImage ? "image" : "document", "source": source]
        }
        guard type.hasPrefix("text/"), let text = data?.text else { return AnthropicRequest.textBlock(mention) }
        guard !text.isEmpty else { return nil }
        var block: JSONObject = [
            "type": "document", "source": ["type": "text", "media_type": "text/plain", "data": .string(text)],
        ]
        if let filename { block["title"] = .string(filename) }
        return block
    }
}
