internal import CRdkafka
internal import Synchronization

extension KafkaConsumer {
    /// Commits exactly these offsets and waits for the reply, blocking the calling thread: for the delegate's methods,
    /// above all `revoked`. To librdkafka it counts as a poll: who commits this way without polling is not found to
    /// exceed `max.poll.interval.ms`.
    /// - Returns: each partition's refusal, nil where its offset is committed. `isNoLongerOwner` tells those that the
    ///   group refused since it has moved on.
    /// - Throws: when there was no reply that says so for each partition; at the timeout whether the offsets were
    ///   committed is not known.
    package func commit(
        _ offsets: [TopicPartition: CommittedOffset], timeout: Duration = .seconds(10)
    ) throws(KafkaError) -> [TopicPartition: KafkaError?] {
        guard !offsets.isEmpty else { return [:] }
        let reply = CommitReply()
        return try loop.handle.withClient("commit offsets") { client throws(KafkaError) in
            guard let queue = rd_kafka_queue_new(client) else {
                throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, operation: "commit offsets")
            }
            defer { rd_kafka_queue_destroy(queue) }
            let token = try beginCommit(offsets, client, queue) { reply.set($0) }
            let deadline = ContinuousClock.now.advanced(by: timeout)
            while reply.outcome == nil {
                let left = ContinuousClock.now.duration(to: deadline)
                if left <= .zero {
                    loop.events.commits.settle(
                        token, .failure(KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, operation: "commit offsets")))
                    break
                }
                rd_kafka_queue_poll_callback(queue, min(left, .milliseconds(100)).milliseconds)
            }
            guard let outcome = reply.outcome else { throw .closed("commit offsets") }
            return try outcome.get()
        }
    }

    /// Commits exactly these offsets; the reply comes on the poll thread. Several may be under way at once, but then
    /// a later refusal can follow an earlier success: keep one outstanding.
    /// - Parameter onCompletion: called once, with each partition's refusal (nil: committed) or, when there was no such
    ///   reply, with the error; also when the consumer is closed.
    package func commit(
        _ offsets: [TopicPartition: CommittedOffset],
        onCompletion: @escaping @Sendable (Result<[TopicPartition: KafkaError?], KafkaError>) -> Void
    ) {
        guard !offsets.isEmpty else { return onCompletion(.success([:])) }
        do throws(KafkaError) {
            _ = try loop.handle.withClient("commit offsets") { client throws(KafkaError) in
                guard let queue = rd_kafka_queue_get_consumer(client) else {
                    throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_GROUP, operation: "commit offsets")
                }
                defer { rd_kafka_queue_destroy(queue) }
                return try beginCommit(offsets, client, queue, onCompletion)
            }
        } catch {
            onCompletion(.failure(error))
        }
    }

    /// The settlement is called if, and only if, this does not throw.
    private func beginCommit(
        _ offsets: [TopicPartition: CommittedOffset], _ client: OpaquePointer, _ queue: OpaquePointer,
        _ settlement: @escaping @Sendable (PendingCommits.Outcome) -> Void
    ) throws(KafkaError) -> Int {
        let commits = loop.events.commits
        guard let token = commits.begin(settlement) else { throw .closed("commit offsets") }
        let list = PartitionList(offsets)
        let code = rd_kafka_commit_queue(
            client, list.pointer, queue, ClientContext.commitCallback, UnsafeMutableRawPointer(bitPattern: token))
        if code != RD_KAFKA_RESP_ERR_NO_ERROR, commits.abandon(token) {
            throw loop.handle.context.error(client, code, operation: "commit offsets")
        }
        return token
    }
}

private final class CommitReply: Sendable {
    private let state = Mutex<PendingCommits.Outcome?>(nil)

    var outcome: PendingCommits.Outcome? { state.withLock { $0 } }

    func set(_ outcome: PendingCommits.Outcome) {
        state.withLock { $0 = outcome }
    }
}
