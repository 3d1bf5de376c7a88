import Consumer
import Conversation
import Kafka
import TurnHost

/// A worker's health and state, as the admin address serves them.
struct WorkerReport: Sendable {
    let health: WorkerHealth
    let status: ConsumerStatus
    /// Which worker this is.
    let worker: JSONObject

    /// What `/healthz` answers: only what makes a worker alive.
    var liveness: JSON { Self.verdict(health.isAlive, health.checks.filter { $0.kind == .liveness }) }

    /// What `/readyz` answers: everything that the worker needs in order to work.
    var readiness: JSON { Self.verdict(health.isReady, health.checks) }

    /// What `/status` answers.
    var everything: JSON {
        var object = worker
        object["alive"] = .bool(health.isAlive)
        object["ready"] = .bool(health.isReady)
        object["checks"] = .array(health.checks.map(\.json))
        object["parkedSessions"] = .number(JSONNumber(status.parkedSessions))
        object["partitions"] = .array(status.partitions.map(\.json))
        object["hosts"] = .array(status.hosts.map(\.json))
        return .object(object)
    }

    private static func verdict(_ isPassed: Bool, _ checks: [WorkerHealth.Check]) -> JSON {
        ["status": isPassed ? "ok" : "failing", "checks": .array(checks.map(\.json))]
    }
}

extension WorkerHealth.Check {
    fileprivate var json: JSON {
        var object: JSONObject = ["name": .string(name), "ok": .bool(isPassed)]
        object["seconds"] = age?.secondsAsJSON
        object["threshold"] = threshold?.secondsAsJSON
        object["detail"] = detail.map(JSON.string)
        return .object(object)
    }
}

extension ConsumerStatus.Partition {
    fileprivate var json: JSON {
        var object: JSONObject = [
            "topic": .string(partition.topic), "partition": .number(JSONNumber(Int(partition.partition))),
            "granted": .bool(isGranted), "paused": .bool(isPaused), "held": .number(JSONNumber(held)),
            "span": .number(JSONNumber(Int(span))),
        ]
        object["watermark"] = watermark.map { .number(JSONNumber(Int($0))) }
        object["committed"] = committed.map { .number(JSONNumber(Int($0))) }
        object["waitingSeconds"] = wait?.age.secondsAsJSON
        object["waitingFor"] = wait?.obstacle.map(JSON.string)
        object["pauseReason"] = haltReason.map(JSON.string)
        object["head"] = head?.json
        return .object(object)
    }
}

extension ConsumerStatus.Head {
    fileprivate var json: JSON {
        var object: JSONObject = [
            "offset": .number(JSONNumber(Int(offset))), "seconds": age.secondsAsJSON, "state": .string(state),
        ]
        object["session"] = session.map(JSON.string)
        return .object(object)
    }
}

extension ConsumerStatus.Host {
    fileprivate var json: JSON {
        var object: JSONObject = [
            "slot": .number(JSONNumber(slot)), "up": .bool(isUp), "held": .number(JSONNumber(held)),
        ]
        object["host"] = hostID.map(JSON.string)
        object["process"] = processID.map { .number(JSONNumber(Int($0))) }
        object["silentSeconds"] = silence?.secondsAsJSON
        if isOnDemand { object["onDemand"] = true }
        guard let vitals else { return .object(object) }
        object["running"] = .number(JSONNumber(vitals.running))
        object["sessions"] = .number(JSONNumber(vitals.sessions))
        object["oldestTurnSeconds"] = vitals.oldestTurn?.secondsAsJSON
        object["oldestSession"] = vitals.oldestSession.map(JSON.string)
        object["eventsStalledSeconds"] = vitals.eventsStalled?.secondsAsJSON
        object["storeAwaySeconds"] = vitals.storeAway?.secondsAsJSON
        return .object(object)
    }
}

extension Duration {
    /// As a number of seconds with milliseconds.
    fileprivate var secondsAsJSON: JSON {
        let milliseconds = components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
        return .number(JSONNumber(Double(milliseconds) / 1000) ?? JSONNumber(0))
    }
}
