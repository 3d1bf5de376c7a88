import Conversation
package import Kafka
import TurnHost

extension ConsumerCore {
    /// Requests that are held or on their way back, and what they weigh.
    var inHand: (requests: Int, bytes: Int) {
        (held.count + share.expected.requests, heldBytes + share.expected.bytes)
    }

    /// Calls for deferred requests as far as there is room, and has them read again. In front of what intake has not
    /// come to, but not instead of it: when everything was full, intake goes on at the same mark.
    mutating func callForDeferred() -> [Action] {
        guard share.deferredCount > 0, holds.isEmpty, !backpressure.isFull else { return [] }
        let (inHand, bounds) = (inHand, backpressure.bounds)
        var touched: Set<TopicPartition> = []
        for (claimant, deferred) in share.call(
            room: (bounds.requests - inHand.requests, bounds.bytes - inHand.bytes))
        {
            assignments[claimant.partition]?.refetch.want(.init(claimant: claimant, deferred: deferred))
            touched.insert(claimant.partition)
        }
        return touched.sorted().flatMap { fetch($0) }
    }

    mutating func fetch(_ partition: TopicPartition) -> [Action] {
        guard assignments[partition]?.isReceiving == true, halted[partition] == nil else { return [] }
        let number = makeEntryID()
        guard let offsets = assignments[partition]?.refetch.begin(number: number) else { return [] }
        return [.fetch(partition, number: number, offsets: offsets)]
    }

    /// Whether this read is still waited for.
    package func isFetching(_ partition: TopicPartition, number: Int64) -> Bool {
        guard let assignment = assignments[partition], assignment.isReceiving else { return false }
        return assignment.refetch.underWay == number
    }

    /// What was asked for by ``Action/fetch(_:number:offsets:)`` was read, as far as up to `end`. What lies before that
    /// and did not come is not in the log any more. The rest is asked for again.
    package mutating func fetched(
        _ partition: TopicPartition, number: Int64, _ batch: [Incoming], upTo end: Int64,
        at now: ContinuousClock.Instant
    ) -> [Action] {
        guard isFetching(partition, number: number) else { return [] }
        let found = Dictionary(batch.map { ($0.record.offset, $0) }, uniquingKeysWith: { first, _ in first })
        var actions: [Action] = []
        var ready: [HeldRequest] = []
        for wanted in assignments[partition]?.refetch.finish(upTo: end) ?? [] {
            let (claimant, deferred) = (wanted.claimant, wanted.deferred)
            let offset = deferred.entry.offset
            share.arrived(claimant, bytes: deferred.entry.bytes)
            assignments[partition]?.lane.takeUp(claimant.session, offset: offset)
            if let incoming = found[offset], incoming.isRequest(of: claimant.session) {
                let request = hold(incoming, of: partition, deferred.entry)
                if mayBeDispatched(request) { ready.append(request) }
            } else {
                let reason = found[offset] == nil ? "it is not there" : "another record is in its place"
                actions.append(.noteLost(partition, offset: offset, reason: reason))
                share.release(claimant, tenant: deferred.tenant)
                complete(deferred.entry, of: partition, at: now)
            }
        }
        actions += dispatch(ready) + commitIfDue(at: now)
        actions += adjustFlow(touching: [partition])
        return actions + fetch(partition)
    }

    /// The stops among requests that were put off: they take effect ahead of their place.
    mutating func stopsAhead(among deferred: [Incoming]) -> [Action] {
        var actions: [Action] = []
        for incoming in deferred {
            guard case .request(let session, let request) = incoming.verdict, case .stop(let reason) = request.kind,
                incoming.record.value?.count ?? 0 <= StopScan.largest
            else { continue }
            let partition = incoming.record.topicPartition
            let stop = FastLane.Stop(
                session: session, offset: incoming.record.offset, reason: reason,
                idempotencyKey: request.idempotencyKey, forwardedFrom: incoming.record.forward?.reference)
            guard assignments[partition]?.lane.noteDeferred(stop) == true else { continue }
            actions += send([stop], of: partition)
        }
        return actions
    }
}

extension ConsumerCore.Incoming {
    fileprivate func isRequest(of session: String) -> Bool {
        if case .request(session, _) = verdict { true } else { false }
    }
}
