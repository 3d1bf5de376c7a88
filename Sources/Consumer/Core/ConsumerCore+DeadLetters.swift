import Kafka

extension ConsumerCore {
    /// The broker has acknowledged the dead letter: its request is settled.
    package mutating func deadLetterWritten(entry: Int64, at now: ContinuousClock.Instant) -> [Action] {
        guard let request = held[entry], request.session == nil else { return [] }
        settle(request, at: now)
        return commitIfDue(at: now) + adjustFlow(touching: [request.partition])
    }

    /// The dead letter could not be written. It is tried again for as long as the partition is ours; its request
    /// stays uncommitted.
    package mutating func deadLetterFailed(entry: Int64, at now: ContinuousClock.Instant) {
        guard let request = held[entry], request.session == nil else { return }
        request.failures += 1
        // One more than the number of failures: not even the first retry of a write that the client library gave up
        // on is made at once.
        let delay = settings.deadLetterRetry.delay(after: request.failures + 1, using: &generator)
        request.place = .deadLetterFailed(retryAt: now + delay)
        deadLetterDue = min(deadLetterDue ?? now + delay, now + delay)
    }

    mutating func retryDeadLetters(at now: ContinuousClock.Instant) -> [Action] {
        guard let due = deadLetterDue, due <= now else { return [] }
        deadLetterDue = nil
        var actions: [Action] = []
        for request in held.values.sorted(by: { $0.id < $1.id }) {
            guard case .deadLetterFailed(let retryAt) = request.place,
                case .refused(let code, let message) = request.content
            else { continue }
            guard retryAt <= now else {
                deadLetterDue = min(deadLetterDue ?? retryAt, retryAt)
                continue
            }
            request.place = .deadLettering
            actions.append(.writeDeadLetter(entry: request.id, record: request.record, code: code, message: message))
        }
        return actions
    }
}
