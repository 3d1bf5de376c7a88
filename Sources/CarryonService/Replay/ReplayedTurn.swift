import Conversation
import TurnHost

/// A recorded turn, and what came of it when it was run again.
struct ReplayedTurn: Sendable, Hashable {
    enum Verdict: String, Sendable, CaseIterable {
        /// The same words, and the same calls with the same outcomes.
        case same
        case different
        /// It fails now, and did not then.
        case failed
    }

    var session: String
    var turn: Int
    var partition: Int32
    var offset: Int64
    var question: String
    var was: RecordedTurn.Answer
    var now: RecordedTurn.Answer
    var seconds: Double

    var verdict: Verdict {
        if now.outcome == .failed, was.outcome != .failed { return .failed }
        let isSame = was.outcome == now.outcome && was.text == now.text && was.calls == now.calls
        return isSame ? .same : .different
    }
}

extension ReplayedTurn {
    init(_ recorded: RecordedTurn, _ outcome: TurnReplayer.Outcome) {
        self.init(
            session: recorded.session, turn: recorded.turn, partition: recorded.partition, offset: recorded.offset,
            question: recorded.question, was: recorded.answer, now: outcome.answer,
            seconds: outcome.duration.inSeconds)
    }

    /// One line of a replay's journal, and of `--json`.
    var json: JSON {
        var object: JSONObject = [
            "session": .string(session), "turn": .number(JSONNumber(turn)),
            "partition": .number(JSONNumber(Int(partition))), "offset": .number(JSONNumber(Int(offset))),
            "verdict": .string(verdict.rawValue), "question": .string(question), "was": was.json, "now": now.json,
        ]
        object["seconds"] = JSONNumber(seconds).map(JSON.number)
        if verdict != .same {
            object["diff"] = .array(
                WordDifference(from: was.text, to: now.text).segments.map {
                    [.string($0.kind.rawValue), .string($0.text)]
                })
        }
        return .object(object)
    }

    /// - Returns: `nil` if it is none of a journal's lines.
    init?(_ json: JSON) {
        guard let session = json["session"]?.stringValue, let turn = json["turn"]?.int,
            let partition = json["partition"]?.int.flatMap({ Int32(exactly: $0) }), let offset = json["offset"]?.int,
            let was = json["was"].flatMap(RecordedTurn.Answer.init),
            let now = json["now"].flatMap(RecordedTurn.Answer.init)
        else { return nil }
        self.init(
            session: session, turn: turn, partition: partition, offset: Int64(offset),
            question: json["question"]?.stringValue ?? "", was: was, now: now, seconds: json["seconds"]?.double ?? 0)
    }
}

extension RecordedTurn.Answer {
    fileprivate var json: JSON {
        var object: JSONObject = ["outcome": .string(outcome.rawValue), "text": .string(text)]
        if !calls.isEmpty { object["calls"] = .array(calls.map(JSON.string)) }
        object["usage"] = usage?.json
        object["error"] = error.map(JSON.string)
        return .object(object)
    }

    fileprivate init?(_ json: JSON) {
        guard let outcome = json["outcome"]?.stringValue.flatMap(TurnOutcome.init), let text = json["text"]?.stringValue
        else { return nil }
        self.init(
            outcome: outcome, text: text, calls: json["calls"]?.arrayValue?.compactMap(\.stringValue) ?? [],
            usage: json["usage"].flatMap { try? Usage(json: $0) }, error: json["error"]?.stringValue)
    }
}
