package import Conversation
package import SessionStore

extension StoredSession {
    /// The stored messages as values.
    package func parsedMessages() throws -> [Message] {
        try messages.map { try Message(parsing: $0.body) }
    }

    /// What `carryon sessions show --json` prints.
    package func transcript() throws -> JSON {
        let parsed = try parsedMessages()
        let answer = parsed.last { $0.role == .assistant }
        let pending = (answer?.parts ?? []).compactMap { part -> JSON? in
            guard case .tool(let call) = part, call.waitsForSomebody else { return nil }
            var entry: JSONObject = [
                "toolCallId": .string(call.toolCallID), "toolName": .string(call.toolName),
                "messageId": .string(answer?.id ?? ""), "state": .string(call.state.rawValue),
            ]
            entry["approvalId"] = call.approval.map { .string($0.id) }
            return .object(entry)
        }
        var object: JSONObject = [
            "id": .string(id), "messages": .array(parsed.map(\.json)), "turns": .number(JSONNumber(turns)),
            "nextSeq": .number(JSONNumber(Int(nextSeq))), "positions": .array(positions.map(\.json)),
            "pending": .array(pending),
        ]
        object["forwarded"] = forwarded.map(\.json)
        return .object(object)
    }
}

extension ToolPart {
    /// Whether the call goes on only when somebody outside answers it.
    fileprivate var waitsForSomebody: Bool { state == .inputAvailable || state == .approvalRequested }
}

extension ForwardedRequest {
    fileprivate var json: JSON {
        ["topic": .string(topic), "offset": offset.map { .number(JSONNumber(Int($0))) } ?? .null]
    }
}

extension LogPosition {
    fileprivate var json: JSON {
        [
            "cluster": .string(log.cluster), "topic": .string(log.topic),
            "partition": .number(JSONNumber(Int(log.partition))), "epoch": .number(JSONNumber(Int(log.epoch))),
            "offset": .number(JSONNumber(Int(offset))),
        ]
    }
}
