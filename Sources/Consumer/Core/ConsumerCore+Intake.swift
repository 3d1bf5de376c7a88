package import Kafka
import TurnHost

extension ConsumerCore {
    /// A record, and what intake found it to be.
    package struct Incoming: Sendable {
        package var record: KafkaRecord
        package var verdict: RequestIntake.Verdict

        package init(record: KafkaRecord, verdict: RequestIntake.Verdict) {
            self.record = record
            self.verdict = verdict
        }
    }

    /// Records were polled. Each is registered before anything else happens to it; those of a partition that is not
    /// ours (any more, or yet) are dropped, and come again to whoever reads it.
    package mutating func received(_ batch: [Incoming], at now: ContinuousClock.Instant) -> [Action] {
        var actions: [Action] = []
        var ready: [HeldRequest] = []
        var touched: Set<TopicPartition> = []
        var deferred: [Incoming] = []
        for incoming in batch {
            let partition = TopicPartition(topic: incoming.record.topic, partition: incoming.record.partition)
            guard assignments[partition]?.isReceiving == true else { continue }
            do {
                let registered = try register(incoming, of: partition, at: now)
                touched.insert(partition)
                guard let request = registered else {
                    deferred.append(incoming)
                    continue
                }
                if case .refused(let code, let message) = request.content {
                    actions.append(
                        .writeDeadLetter(entry: request.id, record: request.record, code: code, message: message))
                } else if mayBeDispatched(request) {
                    ready.append(request)
                }
            } catch {
                ready.removeAll { $0.partition == partition }
                deferred.removeAll { $0.record.topicPartition == partition }
                actions += startAgain(partition, because: error, at: now)
            }
        }
        noteIntake(of: touched)
        actions += dispatch(ready)
        actions += stopsAhead(among: deferred)
        for partition in touched.sorted() {
            guard let assignment = assignments[partition], let grant = assignment.grant,
                assignment.tracker.nextExpected >= grant.endOffset
            else { continue }
            actions += catchUp(partition)
        }
        actions += adjustFlow(touching: touched)
        return actions
    }

    /// Everything that the partition held was polled; the next record will have this offset.
    package mutating func reachedEnd(of partition: TopicPartition, offset: Int64 = 0) -> [Action] {
        assignments[partition]?.lane.noteEnd(at: offset)
        return assignments[partition]?.isReceiving == true ? catchUp(partition) : []
    }

    /// - Returns: the request, if it is kept in hand.
    private mutating func register(
        _ incoming: Incoming, of partition: TopicPartition, at now: ContinuousClock.Instant
    ) throws(OffsetTracker.OffsetOutOfOrder) -> HeldRequest? {
        let record = incoming.record
        let tracked = try assignments[partition, default: Assignment(id: 0, at: now)].tracker
            .register(record.offset, bytes: record.byteCount, at: now)
        if case .request(let session, _) = incoming.verdict {
            let claimant = FairShare.Claimant(partition: partition, session: session)
            guard share.admit(tracked, of: claimant, tenant: record.tenant) else { return nil }
        }
        return hold(incoming, of: partition, tracked)
    }

    /// Takes a registered record in hand.
    mutating func hold(
        _ incoming: Incoming, of partition: TopicPartition, _ tracked: OffsetTracker.Entry
    ) -> HeldRequest {
        let content: HeldRequest.Content
        let place: HeldRequest.Place
        switch incoming.verdict {
        case .request(let session, let request):
            content = .request(session: session, request)
            place = .waiting
        case .refused(let code, let message):
            content = .refused(code: code, message: message)
            place = .deadLettering
        }
        let request = HeldRequest(
            id: makeEntryID(), partition: partition, record: incoming.record, content: content, tracked: tracked,
            place: place)
        held[request.id] = request
        heldBytes += tracked.bytes
        return request
    }
}
