internal import CRdkafka
internal import Synchronization

/// What comes out of a consumer's poll, in order: records gathered to batches, and everything else told to the delegate
/// after the records polled before it.
///
/// Unchecked: all but the locked parts is touched by the poll thread alone, on which librdkafka calls back.
final class ConsumerEvents: ClientCallbacks, @unchecked Sendable {
    let commits = PendingCommits()
    let paused = PausedPartitions()
    private let sharedMembership = Mutex(GroupMembership.notJoined)
    private var delegate: (any KafkaConsumerDelegate)?
    private var records: [KafkaRecord] = []
    private(set) var byteCount = 0

    init(delegate: any KafkaConsumerDelegate) {
        self.delegate = delegate
    }

    var recordCount: Int { records.count }

    var membership: GroupMembership {
        get { sharedMembership.withLock { $0 } }
        set {
            sharedMembership.withLock { membership in
                // A fatal error is for good.
                if case .fenced = membership { return }
                membership = newValue
            }
        }
    }

    func take(_ message: PolledMessage) {
        switch message {
        case .record(let record):
            records.append(record)
            byteCount += record.byteCount
        case .end(let partition, let offset):
            deliver()
            delegate?.didReachEnd(of: partition, offset: offset)
        case .failed(let error, _):
            failed(error)
        }
    }

    /// Hands over what was gathered.
    func deliver() {
        guard !records.isEmpty else { return }
        let batch = records
        records = []
        byteCount = 0
        delegate?.didReceive(batch)
    }

    /// The last word: settles what is open and lets the delegate go.
    func close() {
        deliver()
        commits.close()
        membership = .notJoined
        delegate = nil
    }

    func failed(_ error: KafkaError) {
        deliver()
        if error.isFatal {
            membership = .fenced(error)
        } else if error.code == KafkaError.Code.maxPollExceeded {
            membership = .lost
        }
        delegate?.didFail(error)
    }

    func committed(
        token: Int, _ code: rd_kafka_resp_err_t, _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) {
        let operation = "commit offsets"
        let failures = partitions?.failures(operation: operation) ?? [:]
        // A refusal of the whole request has no partition's error to show for it.
        if code != RD_KAFKA_RESP_ERR_NO_ERROR, failures.values.allSatisfy({ $0 == nil }) {
            commits.settle(token, .failure(KafkaError(code, operation: operation)))
        } else {
            commits.settle(token, .success(failures))
        }
    }

    func rebalanced(
        _ client: OpaquePointer, _ code: rd_kafka_resp_err_t,
        _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
    ) {
        deliver()
        let isCooperative = rd_kafka_rebalance_protocol(client).map { String(cString: $0) } == "COOPERATIVE"
        switch code {
        case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
            assign(client, partitions, isCooperative: isCooperative)
        case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
            revoke(client, partitions, isCooperative: isCooperative)
        default:
            rd_kafka_assign(client, nil)
            failed(KafkaError(code, operation: "rebalance"))
        }
    }

    private func assign(
        _ client: OpaquePointer, _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>,
        isCooperative: Bool
    ) {
        let assigned = partitions.topicPartitions
        membership = .member
        // What was paused by somebody who had not heard yet that its last assignment was over.
        paused.end(of: assigned, in: client)
        let starts = assigned.isEmpty ? [:] : delegate?.assigned(assigned) ?? [:]
        for index in partitions.elements.indices {
            if let start = starts[partitions.elements[index].topicPartition], start >= 0 {
                partitions.elements[index].offset = start
            }
        }
        let operation = "take over assigned partitions"
        let refusal: KafkaError?
        if isCooperative {
            refusal = rd_kafka_incremental_assign(client, partitions).map {
                KafkaError(consuming: $0, operation: operation)
            }
        } else {
            let code = rd_kafka_assign(client, partitions)
            refusal = code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(code, operation: operation)
        }
        guard let refusal else { return }
        // What was announced is not to be had after all.
        if !assigned.isEmpty { delegate?.lost(assigned) }
        paused.end(of: assigned, in: client)
        failed(refusal)
    }

    private func revoke(
        _ client: OpaquePointer, _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>,
        isCooperative: Bool
    ) {
        let revoked = partitions.topicPartitions
        let isLost = rd_kafka_assignment_lost(client) != 0
        membership = isLost ? .lost : .joining
        if !revoked.isEmpty {
            if isLost { delegate?.lost(revoked) } else { delegate?.revoked(revoked) }
            paused.end(of: revoked, in: client)
        }
        let operation = "give back revoked partitions"
        if isCooperative {
            if let error = rd_kafka_incremental_unassign(client, partitions) {
                failed(KafkaError(consuming: error, operation: operation))
            }
        } else {
            let code = rd_kafka_assign(client, nil)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { failed(KafkaError(code, operation: operation)) }
        }
    }
}
