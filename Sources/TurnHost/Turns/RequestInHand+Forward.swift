import Conversation
import Kafka
import SessionStore

extension RequestInHand {
    /// Whether a worker of another topic has handed the request over.
    var isForwarded: Bool { dispatch.record.forward != nil }

    /// What the settlement of a request that was handed over records.
    var forwardedKey: String? { dispatch.record.forward?.idempotencyKey(dispatch.record.redrive) }

    /// What its settlement records over there, if the request is handed over from here.
    var keyIfForwarded: String { Forward(of: dispatch.record).idempotencyKey(dispatch.record.redrive) }

    /// Whether the request stands at `position`, or stood there at first.
    func stands(at position: LogPosition) -> Bool { dispatch.stands(at: position, in: grant.log) }

    /// The offset that its producer knows it by, and readers are told.
    var requestOffset: Int64 { dispatch.record.forward?.offset ?? position.offset }

    /// Where the request stood at first, if runs of it were begun there.
    var origin: LogPosition? {
        memory.openRuns.first { $0.position.log != grant.log && stands(at: $0.position) }?.position
    }

    /// The decision to hand the request over.
    func forwarding(to topic: String, at time: Int64) -> Forwarding {
        Forwarding(
            session: dispatch.session, fence: grant.partition.fence, position: position,
            fingerprint: dispatch.record.timestamp,
            request: ForwardedRequest(topic: topic, key: keyIfForwarded), idempotencyKey: request.idempotencyKey,
            at: time)
    }
}

extension Dispatch {
    /// What keeps the request from taking effect twice: that it was handed over, and what its producer says.
    var keys: [String] {
        [record.forward?.idempotencyKey(record.redrive), request.idempotencyKey].compactMap(\.self)
    }

    /// Whether the request stands at `position`, or stood there before a worker handed it over to `log`.
    func stands(at position: LogPosition, in log: LogIdentity) -> Bool {
        if position.log == log { return position.offset == record.offset }
        return record.forward?.names(position) == true
    }
}

extension Forward {
    /// Whether that is the place of the record that the worker had read, whatever the log's epoch.
    func names(_ position: LogPosition) -> Bool {
        position.log.topic == topic && position.log.partition == partition && position.offset == offset
    }
}

extension SessionMemory {
    /// Whether the last settlement was of a request of another topic.
    func wasSettledElsewhere(than log: LogIdentity) -> Bool {
        lastLog.map { $0.topic != log.topic } ?? false
    }

    /// Whether a recovery hook has decided to leave the request out, or it took effect ahead of its place.
    func leavesOut(_ dispatch: Dispatch, in log: LogIdentity) -> Bool {
        if case .leaveOut = directives[dispatch.record.offset] { return true }
        return appliedAhead.contains { dispatch.stands(at: $0, in: log) }
    }

    /// Places of requests of which it is known already what becomes of them.
    func decided(in log: LogIdentity) -> Set<LogPosition> {
        Set(directives.keys.map { LogPosition(log: log, offset: $0) }).union(appliedAhead)
    }
}
