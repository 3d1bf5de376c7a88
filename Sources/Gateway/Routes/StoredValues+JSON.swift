package import Conversation
package import SessionStore

extension SessionSummary {
    /// One entry of a list of sessions.
    package var json: JSON {
        [
            "id": .string(id), "turns": .number(JSONNumber(turns)), "messageCount": .number(JSONNumber(messageCount)),
            "closed": .bool(isClosed), "createdAt": .time(createdAt), "updatedAt": .time(updatedAt),
        ]
    }
}

extension StoredSession {
    /// A session by itself, as `carryon sessions show --json` prints it and with its times.
    var json: JSON {
        get throws {
            guard var object = try transcript().objectValue else { return .null }
            object["closed"] = .bool(isClosed)
            object["running"] = .bool(!openRuns.isEmpty)
            if createdAt > 0 {
                object["createdAt"] = .time(createdAt)
                object["updatedAt"] = .time(updatedAt)
            }
            return .object(object)
        }
    }
}

extension StoredRun {
    var json: JSON {
        var object: JSONObject = [
            "id": .string(id), "session": .string(session), "turn": .number(JSONNumber(turn)),
            "run": .number(JSONNumber(run)), "status": .string(status.rawValue), "host": .string(host),
            "requestId": .string(requestID), "partition": .number(JSONNumber(Int(position.log.partition))),
            "offset": .number(JSONNumber(Int(position.offset))), "firstSeq": .number(JSONNumber(Int(firstSeq))),
            "startedAt": .time(startedAt), "stopped": .bool(stopped),
        ]
        object["cause"] = cause.map(JSON.string)
        object["causeKind"] = causeKind.map { .string($0.rawValue) }
        object["region"] = region.map(JSON.string)
        if let endedAt {
            object["endedAt"] = .time(endedAt)
            object["durationSeconds"] = JSONNumber(Double(endedAt - startedAt) / 1000).map(JSON.number)
        }
        object["outcome"] = outcome.map(JSON.string)
        object["finishReason"] = finishReason.map(JSON.string)
        object["usage"] = usage.flatMap { try? JSON(parsing: $0) }
        object["error"] = error.map(JSON.string)
        return .object(object)
    }
}

extension JSON {
    /// A time of day, given in milliseconds since 1970.
    static func time(_ milliseconds: Int64) -> JSON { .string(Timestamp(milliseconds: milliseconds).rfc3339) }
}
