/// A stop that was found in the log ahead of its turn to be handed over, on its way to a host.
package struct StopAhead: Sendable, Hashable {
    /// The assignment that its session's requests come under.
    package var assignment: Int64
    package var session: String
    /// Where it is in its partition: it stops nothing behind that.
    package var offset: Int64
    package var reason: String?
    package var idempotencyKey: String?
    /// ``Forward/reference`` of a stop that a worker of another topic has handed over.
    package var forwardedFrom: String?

    package init(
        assignment: Int64, session: String, offset: Int64, reason: String? = nil, idempotencyKey: String? = nil,
        forwardedFrom: String? = nil
    ) {
        self.assignment = assignment
        self.session = session
        self.offset = offset
        self.reason = reason
        self.idempotencyKey = idempotencyKey
        self.forwardedFrom = forwardedFrom
    }
}

extension FrameWriter {
    mutating func write(_ stop: StopAhead) {
        write(signed: stop.assignment)
        write(string: stop.session)
        write(signed: stop.offset)
        write(optionalBlob: stop.reason.map { Array($0.utf8) })
        write(optionalBlob: stop.idempotencyKey.map { Array($0.utf8) })
        write(optionalBlob: stop.forwardedFrom.map { Array($0.utf8) })
    }
}

extension FrameReader {
    mutating func readStopAhead() throws(FrameError) -> StopAhead {
        StopAhead(
            assignment: try readSigned("assignment"), session: try readString("session"),
            offset: try readSigned("offset"), reason: try readOptionalString("reason"),
            idempotencyKey: try readOptionalString("idempotency key"),
            forwardedFrom: try readOptionalString("place of origin"))
    }
}
