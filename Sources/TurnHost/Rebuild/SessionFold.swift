import Conversation
import Kafka

/// Follows one session's events and tells request by request what they amount to: the reader's rule, with a memory of the
/// request that is under way and of nothing before it.
struct SessionFold: Sendable {
    private struct Checkpoint {
        var seq: Int64
        var run: Int?
        var value: [UInt8]
    }

    private var rule = ReaderRule()
    /// The request that is under way.
    private var current: FoldedRequest?
    private var checkpoint: Checkpoint?
    /// The seq up to which everything is there.
    private(set) var highestSeq: Int64 = 0
    /// How many of the session's first events the topic does not have (any more).
    private var missing: Int64 = 0

    /// What the request that is not settled has written, if there is one.
    var unsettled: FoldedRequest? { current }

    /// Takes the session's next event, in the log's order.
    /// - Returns: the request that it closes.
    mutating func take(_ headers: EventHeaders, _ record: KafkaRecord) -> FoldedRequest? {
        switch rule.admit(headers) {
        case .drop: return nil
        case .accept: break
        case .acceptForgetting(let from, _):
            forgetChunks(from: from)
            highestSeq = min(highestSeq, from - 1)
            missing = min(missing, from - 1)
        }
        if highestSeq == 0, headers.seq > 1 {
            missing = headers.seq - 1
            highestSeq = missing
        }
        // A record in between was refused: its writer has written over what follows it.
        guard headers.seq == highestSeq + 1 else { return nil }
        highestSeq = headers.seq
        guard let value = record.value else { return nil }
        begin(headers, record)
        guard let control = headers.control else {
            if headers.turn != nil { current?.chunks.append((headers.seq, value)) }
            return nil
        }
        guard ControlRecord.closingSubtypes.contains(control) else {
            note(control, value, headers)
            return nil
        }
        return close(control, value, headers, record)
    }

    /// Makes the event's request the one under way, if it is not.
    private mutating func begin(_ headers: EventHeaders, _ record: KafkaRecord) {
        let offset = headers.requestOffset ?? -1
        if current == nil || current?.requestOffset != offset || current?.turn != headers.turn {
            checkpoint = nil
            current = FoldedRequest(
                session: headers.session, requestID: headers.requestID ?? "", requestOffset: offset, turn: headers.turn)
        }
        let run = headers.run ?? 1
        guard current?.runs.contains(where: { $0.run >= run }) != true else { return }
        current?.runs.append(
            FoldedRun(run: run, firstSeq: headers.seq, eventsStart: record.offset, startedAt: record.timestamp))
    }

    private mutating func note(_ control: String, _ value: [UInt8], _ headers: EventHeaders) {
        switch control {
        case "checkpoint": checkpoint = Checkpoint(seq: headers.seq, run: headers.run, value: value)
        case "superseded":
            guard let from = Self.control(control, value)?.supersededFrom else { return }
            forgetChunks(from: from)
        case "recovered":
            guard case .recovered(let cause, let previous?, _, _) = Self.control(control, value),
                let last = current?.runs.indices.last
            else { return }
            current?.runs[last].previous = (previous, cause)
        default: return
        }
    }

    private mutating func close(
        _ control: String, _ value: [UInt8], _ headers: EventHeaders, _ record: KafkaRecord
    ) -> FoldedRequest? {
        var request = current
        current = nil
        if let checkpoint, checkpoint.run == headers.run { request?.checkpoint = checkpoint.value }
        checkpoint = nil
        request?.missing = missing
        request?.closing = FoldedRequest.Closing(
            seq: headers.seq, run: headers.run, control: control, value: value, time: record.timestamp)
        return request
    }

    private mutating func forgetChunks(from seq: Int64) {
        while let last = current?.chunks.last, last.seq >= seq { current?.chunks.removeLast() }
        if let checkpoint, checkpoint.seq >= seq { self.checkpoint = nil }
    }

    private static func control(_ subtype: String, _ value: [UInt8]) -> ControlRecord? {
        guard let json = try? JSON(parsing: value) else { return nil }
        return try? ControlRecord(subtype: subtype, value: json)
    }
}

extension ControlRecord {
    fileprivate var supersededFrom: Int64? { if case .superseded(let from) = self { from } else { nil } }
}
