import Conversation

/// The part of an answer that says which messages joined the turn, and where.
struct SteeringNotice {
    static let name = "pending-message-injected"

    struct Entry {
        var id: String
        var text: String
        var requestOffset: Int64
    }

    var entries: [Entry]

    init(_ messages: [WaitingMessage]) {
        entries = messages.map {
            Entry(id: $0.message.id, text: $0.message.text, requestOffset: $0.requestOffset)
        }
    }

    /// The notice that `part` is, if it is one.
    init?(_ part: Part) {
        guard case .data(let data) = part, data.name == Self.name, let list = data.data["messages"]?.arrayValue else {
            return nil
        }
        entries = list.compactMap { entry in
            guard let id = entry["id"]?.stringValue, let text = entry["text"]?.stringValue else { return nil }
            return Entry(id: id, text: text, requestOffset: entry["requestOffset"]?.int.map(Int64.init) ?? -1)
        }
    }

    var chunk: Chunk {
        let list = entries.map { entry -> JSON in
            [
                "id": .string(entry.id), "text": .string(entry.text),
                "requestOffset": .number(JSONNumber(Int(entry.requestOffset))),
            ]
        }
        return .data(name: Self.name, data: ["messages": .array(list)])
    }
}

extension WaitingMessage {
    /// Whether it is what the notice of its joining tells of it, and nothing more.
    var isAsNoticed: Bool { message == .user(id: message.id, text: message.text) }
}

extension Chunk {
    /// Whether it names messages that joined the turn.
    package var saysWhatJoined: Bool {
        if case .data(let data) = self { data.name == SteeringNotice.name } else { false }
    }
}

extension Message {
    /// The messages that joined the turns of this answer, as far as the notices among its parts from `index` on tell.
    package func injectedMessages(from index: Int = 0) -> [WaitingMessage] {
        parts.dropFirst(index).compactMap(SteeringNotice.init).flatMap(\.entries).map {
            WaitingMessage(message: .user(id: $0.id, text: $0.text), requestOffset: $0.requestOffset)
        }
    }
}
