import Conversation
import Kafka
import TurnHost

/// Everything about one letter.
struct LetterView {
    let entry: LetterLedger.Entry
    let record: KafkaRecord
    /// What the store knows of its session.
    let progress: SessionProgress?
    let sentAgain: SessionProgress.SentAgain

    private var letter: Letter { entry.letter }
    private var content: RecordContent { RecordContent(record.value) }
    private var message: String? { record.headerString(DeadLetter.Header.message) }

    var json: JSON {
        var object = entry.json.objectValue ?? [:]
        object["message"] = message.map(JSON.string)
        object["headers"] = .array(
            record.headers.map { header in
                var entry: JSONObject = ["name": .string(header.name)]
                for (name, value) in RecordContent.asText(header.value).members { entry[name] = value }
                return .object(entry)
            })
        object["record"] = .object(content.members)
        if letter.session == nil, let key = record.key { object["keyHex"] = .string(key.hex) }
        if let progress {
            object["since"] = [
                "closed": .bool(progress.isClosed),
                "settledOffset": settledOffset.map { .number(JSONNumber(Int($0))) } ?? .null,
                "turns": .number(JSONNumber(progress.turnsBehind(letter, sentAgain))),
            ]
        }
        return .object(object)
    }

    var text: String {
        var rows = [
            ["letter", letter.id.description], ["state", state], ["session", letter.shownKey],
            ["cause", letter.cause], ["code", letter.code ?? "(none)"], ["message", (message ?? "(none)").printable],
            ["attempts", letter.attempts.map { "\($0)" } ?? "(none)"], ["redrives", "\(letter.redrives)"],
            ["set aside", Timestamp(milliseconds: letter.writtenAt).rfc3339],
        ]
        if let origin = letter.origin {
            rows += [
                ["came from", "\(origin.topicPartition), offset \(origin.offset)"],
                ["sent at", Timestamp(milliseconds: origin.timestamp).rfc3339],
                ["group", origin.consumerGroup.printable],
            ]
        }
        if let destination = letter.destination, destination != letter.origin?.topicPartition {
            rows.append(["forwarded from", "\(destination), which it is sent to again"])
        }
        if !entry.repeats.isEmpty {
            rows.append(["again as", entry.repeats.map(\.description).joined(separator: ", ")])
        }
        rows.append(["its session", since])
        let headers = record.headers.map { ["  \($0.name.printable)", Self.shown($0.value)] }
        return """
            \(Self.lines(rows))

            headers:
            \(Self.lines(headers))

            record:
            \(content.shown)
            """
    }

    private var state: String {
        guard let resolution = entry.resolution else { return entry.state }
        let reason = resolution.reason.map { ": \($0.printable)" } ?? ""
        let place = resolution.sentTo.map { ", as \($0)" } ?? ""
        return "\(entry.state) at \(resolution.at.rfc3339)\(place)\(reason)"
    }

    private var settledOffset: Int64? {
        letter.destination.flatMap { progress?.positions[$0] }
    }

    private var since: String {
        guard letter.session != nil else { return "the key names none" }
        guard let progress else { return "the store knows nothing of it" }
        let turns = progress.turnsBehind(letter, sentAgain)
        let position = settledOffset.map { "settled up to offset \($0)" } ?? "nothing settled of this partition"
        return "\(progress.isClosed ? "closed" : "open"); \(position); \(turns) turns since"
    }

    private static func shown(_ value: [UInt8]?) -> String {
        switch RecordContent.asText(value) {
        case .text(let text): text.printable
        case let other: other.shown
        }
    }

    private static func lines(_ rows: [[String]]) -> String {
        guard let first = rows.first else { return "  (none)" }
        return TextTable(first, Array(rows.dropFirst())).description
    }
}

extension RecordContent {
    /// A header's value, which is text though it may look like JSON.
    fileprivate static func asText(_ bytes: [UInt8]?) -> RecordContent {
        guard let bytes else { return .none }
        return String(validating: bytes, as: UTF8.self).map(RecordContent.text) ?? .bytes(bytes)
    }
}
