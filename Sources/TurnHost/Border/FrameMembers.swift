package import Conversation
package import Kafka
import SessionStore

extension KafkaRecord {
    /// What the record says of the dead letter that it comes from, if it comes from one.
    package var redrive: Redrive? { Redrive(self) }

    /// What a request is called whose producer gave it no id, and what a message is called that has none. A request
    /// that was set aside and sent again, or forwarded, is called what it was called at first.
    package var fallbackRequestID: String { redrive?.origin ?? forward?.place ?? "\(partition)-\(offset)" }

    /// The record's value as a request, with the members that a record's headers and position stand in for.
    package func decodedRequest() throws(RequestError) -> Request {
        var request = try Request.decode(
            value: value, idempotencyKeyHeader: headerString("idempotency-key"), fallbackMessageID: fallbackRequestID)
        if let redrive { request.idempotencyKey = redrive.idempotencyKey }
        return request
    }
}

extension FrameWriter {
    mutating func write(_ grant: PartitionGrant) {
        write(signed: grant.assignment)
        write(string: grant.log.cluster)
        write(string: grant.log.topic)
        write(signed: Int64(grant.log.partition))
        write(signed: grant.log.epoch)
        write(string: grant.fence.group)
        write(string: grant.fence.cluster)
        write(string: grant.fence.topic)
        write(signed: Int64(grant.fence.partition))
        write(signed: grant.fence.token)
        write(signed: grant.endOffset)
    }

    mutating func write(_ dispatch: Dispatch) {
        write(signed: dispatch.entry)
        write(signed: dispatch.assignment)
        write(string: dispatch.session)
        write(dispatch.record)
        let deaths = dispatch.death.map { [$0] + $0.earlier } ?? []
        write(count: deaths.count)
        for death in deaths { write(death) }
    }

    private mutating func write(_ death: HostDeath) {
        write(byte: code(of: death.kind))
        write(string: death.cause)
        write(string: death.hostID)
        write(byte: death.isInCompany ? 1 : 0)
    }

    /// The record goes over as it came and is decoded again by the host: one form of a request less to keep in step.
    private mutating func write(_ record: KafkaRecord) {
        write(string: record.topic)
        write(signed: Int64(record.partition))
        write(signed: record.offset)
        write(signed: record.timestamp)
        write(optionalBlob: record.key)
        write(optionalBlob: record.value)
        write(count: record.headers.count)
        for header in record.headers {
            write(string: header.name)
            write(optionalBlob: header.value)
        }
    }

    private func code(of kind: RunEnd) -> UInt8 {
        switch kind {
        case .crashed: 1
        case .outOfMemory: 2
        case .handover: 3
        case .unknown: 4
        case .crashedInCompany: 5
        case .outOfMemoryInCompany: 6
        }
    }
}

extension FrameWriter {
    mutating func write(_ duration: Duration) {
        write(signed: duration.components.seconds)
        write(signed: duration.components.attoseconds)
    }

    mutating func write(_ tuning: HostTuning) {
        write(signed: Int64(tuning.concurrency))
        write(signed: Int64(tuning.crashAttempts))
        write(signed: Int64(tuning.outOfMemoryAttempts))
    }

    mutating func write(_ session: ParkedSession) {
        write(string: session.session)
        write(string: session.reason)
        write(signed: session.since)
        write(byte: session.isReleasing ? 1 : 0)
    }

    mutating func write(_ vitals: HostVitals) {
        write(signed: Int64(vitals.running))
        write(signed: Int64(vitals.sessions))
        write(signed: Int64(vitals.eventsOutstanding))
        for duration in [vitals.oldestTurn, vitals.eventsStalled, vitals.storeAway] {
            write(byte: duration == nil ? 0 : 1)
            if let duration { write(duration) }
        }
        write(optionalBlob: vitals.oldestSession.map { Array($0.utf8) })
    }
}

extension FrameReader {
    mutating func readDuration(_ what: StaticString) throws(FrameError) -> Duration {
        let seconds = try readSigned(what)
        return Duration(secondsComponent: seconds, attosecondsComponent: try readSigned(what))
    }

    private mutating func readOptionalDuration(_ what: StaticString) throws(FrameError) -> Duration? {
        switch try readByte(what) {
        case 0: return nil
        case 1: return try readDuration(what)
        case let other: throw FrameError(.malformed, "The frame marks its \(what) with \(other) instead of 0 or 1.")
        }
    }

    mutating func readVitals() throws(FrameError) -> HostVitals {
        var vitals = HostVitals(
            running: Int(try readSigned("number of turns")), sessions: Int(try readSigned("number of sessions")),
            eventsOutstanding: Int(try readSigned("number of records")))
        vitals.oldestTurn = try readOptionalDuration("oldest turn's age")
        vitals.eventsStalled = try readOptionalDuration("stall of events")
        vitals.storeAway = try readOptionalDuration("store's absence")
        vitals.oldestSession = try readOptionalBlob("oldest turn's session").map { String(decoding: $0, as: UTF8.self) }
        return vitals
    }

    mutating func readGrant() throws(FrameError) -> PartitionGrant {
        let assignment = try readSigned("assignment")
        let log = LogIdentity(
            cluster: try readString("log's cluster"), topic: try readString("log's topic"),
            partition: try readInt32("log's partition"), epoch: try readSigned("log's epoch"))
        let fence = Fence(
            group: try readString("fence's group"), cluster: try readString("fence's cluster"),
            topic: try readString("fence's topic"), partition: try readInt32("fence's partition"),
            token: try readSigned("fence's token"))
        return PartitionGrant(
            assignment: assignment, log: log, fence: fence, endOffset: try readSigned("end offset"))
    }

    mutating func readDispatch() throws(FrameError) -> Dispatch {
        let entry = try readSigned("entry")
        let assignment = try readSigned("assignment")
        let session = try readString("session")
        let record = try readRecord()
        let death = try readDeath()
        do {
            return Dispatch(
                entry: entry, assignment: assignment, session: session, record: record,
                request: try record.decodedRequest(), death: death)
        } catch {
            throw FrameError(.malformed, "The frame holds a request that is none: \(error)")
        }
    }

    private mutating func readRecord() throws(FrameError) -> KafkaRecord {
        let topic = try readString("record's topic")
        let partition = try readInt32("record's partition")
        let offset = try readSigned("record's offset")
        let timestamp = try readSigned("record's timestamp")
        let key = try readOptionalBlob("record's key")
        let value = try readOptionalBlob("record's value")
        var headers: [KafkaHeader] = []
        for _ in 0..<(try readCount("number of headers")) {
            headers.append(
                KafkaHeader(name: try readString("header's name"), value: try readOptionalBlob("header's value")))
        }
        return KafkaRecord(
            topic: topic, partition: partition, offset: offset, timestamp: timestamp, key: key, value: value,
            headers: headers)
    }

    private mutating func readDeath() throws(FrameError) -> HostDeath? {
        var deaths: [HostDeath] = []
        for _ in 0..<(try readCount("number of deaths")) {
            let kind = try readRunEnd()
            deaths.append(
                HostDeath(
                    kind: kind, cause: try readString("cause of death"), hostID: try readString("dead host's name"),
                    isInCompany: try readTruth("company")))
        }
        guard var last = deaths.first else { return nil }
        last.earlier = Array(deaths.dropFirst())
        return last
    }

    private mutating func readTruth(_ what: StaticString) throws(FrameError) -> Bool {
        switch try readByte(what) {
        case 0: return false
        case 1: return true
        case let other: throw FrameError(.malformed, "The frame marks \(what) with \(other) instead of 0 or 1.")
        }
    }

    mutating func readTuning() throws(FrameError) -> HostTuning {
        HostTuning(
            concurrency: Int(try readSigned("concurrency")), crashAttempts: Int(try readSigned("crash attempts")),
            outOfMemoryAttempts: Int(try readSigned("out-of-memory attempts")))
    }

    mutating func readParkedSession() throws(FrameError) -> ParkedSession {
        ParkedSession(
            session: try readString("parked session"), reason: try readString("reason of a park"),
            since: try readSigned("time of a park"), isReleasing: try readTruth("release of a park"))
    }

    private mutating func readRunEnd() throws(FrameError) -> RunEnd {
        switch try readByte("kind of death") {
        case 1: return .crashed
        case 2: return .outOfMemory
        case 3: return .handover
        case 4: return .unknown
        case 5: return .crashedInCompany
        case 6: return .outOfMemoryInCompany
        case let other: throw FrameError(.malformed, "There is no kind of death \(other).")
        }
    }
}
