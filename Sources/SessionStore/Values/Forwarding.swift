/// A step on the way of a request to another topic, where other workers carry it on.
///
/// It is written twice: before the record is produced, so that the decision is on record under the partition's fence and
/// whoever has the partition next keeps to it; and when the broker has acknowledged the record.
package struct Forwarding: Sendable {
    package var session: String
    package var fence: Fence
    /// The request's place in the log that it was read from.
    package var position: LogPosition
    /// What identifies the record at `position` in its log (its timestamp); nil if it is not known.
    package var fingerprint: Int64?
    /// Without an offset, only the decision is recorded. With one, the request is settled too: `position` becomes the
    /// session's position in its log.
    package var request: ForwardedRequest
    /// The request's own key. Recorded with `position`, unless the session has it already.
    package var idempotencyKey: String?
    /// Milliseconds since 1970.
    package var at: Int64

    package init(
        session: String, fence: Fence, position: LogPosition, fingerprint: Int64?, request: ForwardedRequest,
        idempotencyKey: String? = nil, at: Int64
    ) {
        self.session = session
        self.fence = fence
        self.position = position
        self.fingerprint = fingerprint
        self.request = request
        self.idempotencyKey = idempotencyKey
        self.at = at
    }

    /// The session's position in a log that it had none in: everything in front of the request.
    var positionBefore: LogPosition { LogPosition(log: position.log, offset: position.offset - 1) }
}

/// The last request of a session that went to another topic.
package struct ForwardedRequest: Hashable, Sendable {
    /// Where it went. Its partition there has the number of the one that it came from.
    package var topic: String
    /// The idempotency key that its settlement records over there.
    package var key: String
    /// The offset of its record there; nil until the broker has acknowledged it.
    package var offset: Int64?

    package init(topic: String, key: String, offset: Int64? = nil) {
        self.topic = topic
        self.key = key
        self.offset = offset
    }
}
