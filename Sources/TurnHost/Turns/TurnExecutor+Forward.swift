import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore

extension TurnExecutor {
    /// The word for it in the `recovered` control record.
    static let forwardPolicy = "forward"

    /// The topic that a request goes to that ran out of memory here; `nil` if it is to be set aside. What came from
    /// somewhere else goes nowhere else.
    func topic(forLackOfMemory budget: ExhaustedBudget?, _ work: RequestInHand) -> String? {
        guard budget == .outOfMemory, !work.isForwarded, let topic = environment.options.outOfMemoryTopic else {
            return nil
        }
        return topic == work.grant.log.topic ? nil : topic
    }

    /// Where the request has to go because it was on its way there before, or one in front of it was and is not settled
    /// yet; `nil` if it is to be carried out here.
    func topicToFollow(_ work: inout RequestInHand) async throws -> String? {
        guard let last = work.memory.forwarded, !work.isForwarded, last.topic != work.grant.log.topic else {
            return nil
        }
        // Decided is decided, whatever came of it over there: a second record of a request changes nothing.
        if last.key == work.keyIfForwarded { return last.topic }
        let session = work.dispatch.session
        guard try await environment.store.idempotencyKey(session: session, key: last.key) != nil else {
            return last.topic
        }
        // The other side settles first and publishes then. It may have died in between, and what is written here must
        // not leave a gap behind it.
        if work.memory.wasSettledElsewhere(than: work.grant.log), let closing = work.memory.lastControl {
            try await environment.append(work.record(of: closing, options: environment.options))
        }
        work.memory.forwarded = nil
        return nil
    }

    /// Ends a run for a request that goes to another topic, free of charge: the next one, over there, goes on from it.
    func forward(
        _ run: StoredRun, _ writer: EventWriter, to topic: String, _ work: inout RequestInHand
    ) async throws -> Fate {
        try await writer.drain()
        let grant = work.grant
        let result = try await environment.persistently(grant) {
            try await environment.store.interruptRun(
                session: run.session, turn: run.turn, run: run.run, cause: "forwarded to \(topic)", kind: .handover,
                fence: grant.partition.fence, at: environment.now())
        }
        if let fate = fate(of: result, grant) { return fate }
        return try await forward(&work, to: topic)
    }

    /// Writes the request to another topic, waits for the broker's acknowledgement, and is through with it here. The
    /// session's turns and runs are the other side's from now on.
    func forward(_ work: inout RequestInHand, to topic: String) async throws -> Fate {
        let grant = work.grant
        var forwarding = work.forwarding(to: topic, at: environment.now())
        // On record before there is a record of it: whoever has the partition next does not decide otherwise, so that
        // nothing is carried out on both sides.
        if let fate = try await write(forwarding, grant) { return fate }
        let offset = try await environment.append(work.dispatch.record.forwarded(to: topic))
        forwarding.request.offset = offset
        environment.reached(.beforeSettle)
        if let fate = try await write(forwarding, grant) { return fate }
        environment.reached(.afterSettle)
        environment.logger.notice(
            "A request goes to workers with more memory.",
            metadata: ["topic": "\(topic)", "place": "\(offset)"])
        // What the other side makes of the session is read when it is needed.
        work.memory.assignment = -1
        return settled(work)
    }

    private func write(_ forwarding: Forwarding, _ grant: Grant) async throws -> Fate? {
        guard grant.isHeld else { return .letGo }
        let result = try await environment.persistently(grant) { try await environment.store.forward(forwarding) }
        return fate(of: result, grant)
    }

    private func fate(of result: WriteResult, _ grant: Grant) -> Fate? {
        switch result {
        case .written: return nil
        case .fenced:
            onFenced(grant.partition.assignment)
            return .letGo
        case .conflict(let reason): return .again(reason: reason)
        }
    }
}
