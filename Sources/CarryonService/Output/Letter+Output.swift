import Conversation
import Kafka

extension Letter {
    /// The key for people.
    var shownKey: String {
        guard let key else { return "(no key)" }
        return String(validating: key, as: UTF8.self)?.printable ?? "0x\(key.hex)"
    }

    /// The key for scripts: text, or `null` for none and for what is no text.
    var jsonKey: JSON {
        key.flatMap { String(validating: $0, as: UTF8.self) }.map(JSON.string) ?? .null
    }
}

extension LetterLedger.Entry {
    /// One line of `carryon dead-letters list --json`.
    var json: JSON {
        var object: JSONObject = ["id": .string(letter.id.description), "session": letter.jsonKey]
        object["cause"] = .string(letter.cause)
        object["code"] = letter.code.map(JSON.string)
        object["attempts"] = letter.attempts.map { .number(JSONNumber($0)) }
        object["turn"] = letter.turn.map { .number(JSONNumber($0)) }
        object["redrives"] = .number(JSONNumber(letter.redrives))
        object["at"] = .string(Timestamp(milliseconds: letter.writtenAt).rfc3339)
        object["state"] = .string(state)
        if let origin = letter.origin {
            object["origin"] = [
                "topic": .string(origin.topic), "partition": .number(JSONNumber(Int(origin.partition))),
                "offset": .number(JSONNumber(Int(origin.offset))),
                "at": .string(Timestamp(milliseconds: origin.timestamp).rfc3339),
                "group": .string(origin.consumerGroup),
            ]
        }
        if let destination = letter.destination {
            object["destination"] = [
                "topic": .string(destination.topic), "partition": .number(JSONNumber(Int(destination.partition))),
            ]
        }
        if !repeats.isEmpty { object["repeats"] = .array(repeats.map { .string($0.description) }) }
        if let resolution { object["resolution"] = resolution.json }
        return .object(object)
    }
}

extension LetterResolution {
    var json: JSON {
        var object: JSONObject = ["kind": .string(kind.rawValue), "at": .string(at.rfc3339)]
        object["reason"] = reason.map(JSON.string)
        object["sentTo"] = sentTo.map { .string($0.description) }
        return .object(object)
    }
}

extension Collection<UInt8> {
    var hex: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

extension String {
    /// With what would do something to a terminal written out.
    var printable: String {
        unicodeScalars.contains { $0.properties.generalCategory == .control }
            ? unicodeScalars.map { scalar in
                scalar.properties.generalCategory == .control
                    ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
            }
            .joined() : self
    }
}
