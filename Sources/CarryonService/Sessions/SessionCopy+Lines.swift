import Conversation
import SessionStore

// JSON lines: the session first, and then its messages in order.

extension SessionCopy {
    /// The copy as lines without their ends.
    func lines() throws -> [String] {
        var head: JSONObject = [
            "type": "session", "version": 1, "id": .string(id), "turns": .number(JSONNumber(turns)),
            "closed": .bool(isClosed), "updatedAt": .string(Timestamp(milliseconds: updatedAt).rfc3339),
            "messages": .number(JSONNumber(messages.count)),
        ]
        if !state.isEmpty { head["state"] = try JSON(parsing: state) }
        let all = try messages.map { message -> JSON in
            [
                "type": "message", "turn": .number(JSONNumber(message.turn)),
                "message": try JSON(parsing: message.body),
            ]
        }
        return ([.object(head)] + all).map(\.serializedString)
    }

    /// Reads lines that ``lines()`` has written; empty ones are passed over.
    /// - Throws: ``CommandFailure`` that names the line.
    init(lines: some Sequence<Substring>) throws {
        var copy: SessionCopy?
        var count = 0
        for (index, line) in lines.enumerated() where !line.allSatisfy(\.isWhitespace) {
            func refused(_ reason: String) -> CommandFailure { CommandFailure(.failed, "line \(index + 1): \(reason)") }
            let json: JSON
            do {
                json = try JSON(parsing: Array(line.utf8))
            } catch {
                throw refused("\(error)")
            }
            guard copy != nil else {
                guard json["type"] == "session", json["version"] == 1, let id = json["id"]?.stringValue,
                    let turns = json["turns"]?.int, turns >= 0, let messages = json["messages"]?.int
                else { throw refused("the first line is to be a session's, of version 1") }
                count = messages
                copy = SessionCopy(
                    id: id, turns: turns, isClosed: json["closed"]?.bool ?? false,
                    updatedAt: json["updatedAt"]?.stringValue.flatMap { Timestamp(rfc3339: $0)?.milliseconds } ?? 0,
                    state: json["state"]?.serialized() ?? [])
                continue
            }
            guard json["type"] == "message", let turn = json["turn"]?.int, turn >= 0, let body = json["message"] else {
                throw refused("a message with its turn is expected")
            }
            do {
                let message = try Message(parsing: body.serialized())
                copy?.messages.append(
                    StoredMessage(
                        id: message.id, role: message.role.rawValue, turn: turn, body: message.serialized()))
            } catch {
                throw refused("the message can't be read: \(error)")
            }
        }
        guard let copy else { throw CommandFailure(.failed, "there is nothing to read") }
        guard copy.messages.count == count else {
            throw CommandFailure(
                .failed, "the session has \(count) messages by its first line, and \(copy.messages.count) were read")
        }
        self = copy
    }
}
