import Conversation

/// The body of a request for a chat completion.
struct ChatCompletionRequest {
    let json: JSON

    init(
        model: String, prompt: ModelPrompt, tools: [ToolDefinition], form: Continuing.Form?, maximumTokens: Int?,
        isOpenAI: Bool
    ) {
        var messages = prompt.entries.flatMap { $0.chatMessages }
        var body: JSONObject = ["model": .string(model)]
        if form == .instruct, let said = prompt.unfinished {
            messages.append(["role": "user", "content": .string(ContinuationInstruction.text(after: said))])
        }
        body["messages"] = .array(messages)
        body["stream"] = true
        body["stream_options"] = ["include_usage": true]
        if !tools.isEmpty { body["tools"] = .array(tools.map(\.chatTool)) }
        if let maximumTokens {
            body[isOpenAI ? "max_completion_tokens" : "max_tokens"] = .number(JSONNumber(maximumTokens))
        }
        if form == .prefill {
            // vLLM's words for it. Others pass them over, or refuse them.
            body["continue_final_message"] = true
            body["add_generation_prompt"] = false
        }
        json = .object(body)
    }
}

extension ToolDefinition {
    fileprivate var chatTool: JSON {
        [
            "type": "function",
            "function": [
                "name": .string(name), "description": .string(description), "parameters": inputSchema,
            ],
        ]
    }
}

extension ModelPrompt.Entry {
    fileprivate var chatMessages: [JSON] {
        switch self {
        case .system(let text): return [["role": "system", "content": .string(text)]]
        case .user(let pieces): return [["role": "user", "content": Self.content(pieces)]]
        case .results(let results):
            return results.map {
                ["role": "tool", "tool_call_id": .string($0.id), "content": .string($0.text)]
            }
        case .assistant(let pieces):
            var text = ""
            var calls: [JSON] = []
            for piece in pieces {
                switch piece {
                case .text(let more): text += more
                case .reasoning: break
                case .call(let call): calls.append(call.chatCall)
                }
            }
            var message: JSONObject = ["role": "assistant"]
            message["content"] = text.isEmpty && !calls.isEmpty ? .null : .string(text)
            if !calls.isEmpty { message["tool_calls"] = .array(calls) }
            return [.object(message)]
        }
    }

    /// A plain text where there is nothing else: the one form that every server takes.
    private static func content(_ pieces: [ModelPrompt.UserPiece]) -> JSON {
        let hasFiles = pieces.contains { if case .file(let file) = $0 { file.chatPart != nil } else { false } }
        guard hasFiles else {
            let texts = pieces.map { piece in
                switch piece {
                case .text(let text): text
                case .file(let file): file.plainText
                }
            }
            return .string(texts.joined(separator: "\n"))
        }
        return .array(
            pieces.map { piece in
                switch piece {
                case .text(let text): ["type": "text", "text": .string(text)]
                case .file(let file): file.chatPart ?? ["type": "text", "text": .string(file.plainText)]
                }
            })
    }
}

extension ToolPart {
    fileprivate var chatCall: JSON {
        [
            "id": .string(toolCallID), "type": "function",
            "function": [
                "name": .string(toolName), "arguments": .string(JSON.object(inputObject).serializedString),
            ],
        ]
    }
}

extension FilePart {
    /// The file as a part of a message; `nil` if there is none for its kind.
    fileprivate var chatPart: JSON? {
        let type = mediaType.lowercased()
        let data = DataURL(url)
        if isImage { return ["type": "image_url", "image_url": ["url": .string(data?.url ?? url)]] }
        guard let data else { return nil }
        if let format = Self.audioFormats[type] {
            return ["type": "input_audio", "input_audio": ["data": .string(data.base64), "format": .string(format)]]
        }
        if type.hasPrefix("text/") { return nil }
        return [
            "type": "file",
            "file": ["filename": .string(filename ?? "file"), "file_data": .string(data.url)],
        ]
    }

    private static let audioFormats = [
        "audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3",
    ]

    /// What the file says, if it is a text; otherwise that it is there.
    fileprivate var plainText: String {
        guard mediaType.lowercased().hasPrefix("text/"), let text = DataURL(url)?.text else { return mention }
        return text
    }
}
