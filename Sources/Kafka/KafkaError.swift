internal import CRdkafka

/// Something librdkafka or a broker refused, with the code to decide on.
package struct KafkaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Kafka's protocol error code, or librdkafka's own where it is negative.
    package let code: Int32
    /// The code's name: `UNKNOWN_MEMBER_ID`, `_TIMED_OUT`.
    package let name: String
    package let reason: String
    /// The client that reported it can do nothing more and has to be replaced.
    package let isFatal: Bool
    /// The same call may succeed later.
    package let isRetriable: Bool
    /// What was being done, as a verb phrase: "commit offsets".
    package let operation: String

    package init(
        code: Int32, operation: String, reason: String? = nil, isFatal: Bool = false, isRetriable: Bool? = nil
    ) {
        let native = rd_kafka_resp_err_t(rawValue: code)
        self.code = code
        self.name = String(cString: rd_kafka_err2name(native))
        self.reason = reason ?? String(cString: rd_kafka_err2str(native))
        self.isFatal = isFatal
        self.isRetriable = isRetriable ?? Self.retriableCodes.contains(code)
        self.operation = operation
    }

    init(_ code: rd_kafka_resp_err_t, operation: String, reason: String? = nil, isFatal: Bool = false) {
        self.init(code: code.rawValue, operation: operation, reason: reason, isFatal: isFatal)
    }

    /// Takes over librdkafka's error object.
    init(consuming error: OpaquePointer, operation: String) {
        let reason = rd_kafka_error_string(error).map { String(cString: $0) }
        self.init(
            code: rd_kafka_error_code(error).rawValue, operation: operation, reason: reason,
            isFatal: rd_kafka_error_is_fatal(error) != 0,
            isRetriable: rd_kafka_error_is_retriable(error) != 0 ? true : nil)
        rd_kafka_error_destroy(error)
    }

    package var description: String { "Could not \(operation): \(reason) (\(name))." }
}

extension KafkaError {
    /// The codes that callers decide on.
    package enum Code {
        package static let destroyed = RD_KAFKA_RESP_ERR__DESTROY.rawValue
        package static let failed = RD_KAFKA_RESP_ERR__FAIL.rawValue
        package static let transport = RD_KAFKA_RESP_ERR__TRANSPORT.rawValue
        package static let resolve = RD_KAFKA_RESP_ERR__RESOLVE.rawValue
        package static let messageTimedOut = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT.rawValue
        package static let unknownPartition = RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION.rawValue
        package static let unknownTopic = RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue
        package static let allBrokersDown = RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue
        package static let invalidArgument = RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue
        package static let timedOut = RD_KAFKA_RESP_ERR__TIMED_OUT.rawValue
        package static let wrongState = RD_KAFKA_RESP_ERR__STATE.rawValue
        package static let purgedQueue = RD_KAFKA_RESP_ERR__PURGE_QUEUE.rawValue
        package static let purgedInFlight = RD_KAFKA_RESP_ERR__PURGE_INFLIGHT.rawValue
        package static let fatal = RD_KAFKA_RESP_ERR__FATAL.rawValue
        package static let maxPollExceeded = RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED.rawValue
        package static let assignmentLost = RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST.rawValue
        package static let autoOffsetReset = RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET.rawValue
        package static let unknownTopicOrPartition = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue
        package static let messageTooLarge = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue
        package static let illegalGeneration = RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION.rawValue
        package static let unknownMember = RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID.rawValue
        package static let rebalanceInProgress = RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS.rawValue
        package static let topicAlreadyExists = RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS.rawValue
        package static let fencedInstance = RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID.rawValue
    }

    /// A commit was refused because the group has moved on: the partitions may be somebody else's by now, or soon. It
    /// takes a revocation or a loss to be sure: a commit may just have crossed a rebalance that leaves them here.
    package var isNoLongerOwner: Bool {
        switch code {
        case Code.illegalGeneration, Code.unknownMember, Code.rebalanceInProgress, Code.fencedInstance,
            Code.assignmentLost:
            true
        default: false
        }
    }

    /// No broker answers.
    package var isBrokerAway: Bool {
        switch code {
        case Code.transport, Code.allBrokersDown, Code.resolve: true
        default: false
        }
    }

    /// Nothing came in time; whether it was done is not known.
    package var isTimeout: Bool {
        code == Code.timedOut || code == Code.messageTimedOut || code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT.rawValue
    }

    /// The topic or the partition does not exist.
    package var isUnknownTopicOrPartition: Bool {
        code == Code.unknownTopic || code == Code.unknownPartition || code == Code.unknownTopicOrPartition
    }

    package var isMessageTooLarge: Bool {
        code == Code.messageTooLarge || code == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE.rawValue
    }

    package var isTopicAlreadyThere: Bool { code == Code.topicAlreadyExists }

    /// The brokers are too old, or too simple, for the call.
    package var isUnsupported: Bool {
        code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE.rawValue
            || code == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION.rawValue
    }

    /// The client was closed before or during the call.
    package var isClosed: Bool { code == Code.destroyed }

    static func closed(_ operation: String) -> KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__DESTROY, operation: operation, reason: "the client is closed")
    }

    private static let retriableCodes: Set<Int32> = [
        Code.transport, Code.resolve, Code.allBrokersDown, Code.timedOut, Code.messageTimedOut,
        RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue, RD_KAFKA_RESP_ERR__WAIT_COORD.rawValue,
        RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE.rawValue, RD_KAFKA_RESP_ERR__RETRY.rawValue,
        RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE.rawValue, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION.rawValue,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT.rawValue, RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE.rawValue,
        RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION.rawValue, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS.rawValue,
        RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE.rawValue, RD_KAFKA_RESP_ERR_NOT_COORDINATOR.rawValue,
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS.rawValue, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND.rawValue,
        RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR.rawValue, RD_KAFKA_RESP_ERR_FETCH_SESSION_ID_NOT_FOUND.rawValue,
        RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED.rawValue,
    ]
}
