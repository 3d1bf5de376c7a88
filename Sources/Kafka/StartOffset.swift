internal import CRdkafka

/// Where reading of a partition starts.
package enum StartOffset: Sendable, Hashable, ExpressibleByIntegerLiteral {
    case beginning
    case end
    /// The group's committed offset, or `auto.offset.reset` where there is none.
    case committed
    case at(Int64)

    package init(integerLiteral value: Int64) {
        self = .at(value)
    }

    /// The number librdkafka understands. A negative offset would be one of its codes, so it means the beginning.
    var number: Int64 {
        switch self {
        case .beginning: Int64(RD_KAFKA_OFFSET_BEGINNING)
        case .end: Int64(RD_KAFKA_OFFSET_END)
        case .committed: Int64(RD_KAFKA_OFFSET_STORED)
        case .at(let offset): offset < 0 ? Int64(RD_KAFKA_OFFSET_BEGINNING) : offset
        }
    }
}
