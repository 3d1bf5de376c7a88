import Conversation
import Kafka
import TurnHost

/// Which requests a replay is about.
struct ReplayRange: Sendable, Hashable {
    /// An end of it: an offset of each partition, or a time.
    enum Bound: Sendable, Hashable {
        case offset(Int64)
        case time(Timestamp)
    }

    /// The first request; `nil` for the first there is.
    var from: Bound?
    /// The end, which is not in it; `nil` for the last there is.
    var to: Bound?
    /// Nobody else's; `nil` for everybody's.
    var sessions: Set<String>?

    /// - Parameter time: when the request was written; milliseconds since 1970.
    func contains(_ session: String, offset: Int64, time: Int64) -> Bool {
        if let sessions, !sessions.contains(session) { return false }
        return !(from?.isAfter(offset, time) ?? false) && (to?.isAfter(offset, time) ?? true)
    }

    /// The first offset that may be in it.
    var firstOffset: Int64 { if case .offset(let offset) = from { offset } else { 0 } }

    /// Whether a record is in it; without a key, it is nobody's.
    func contains(_ record: KafkaRecord) -> Bool {
        guard let session = record.keyString else { return false }
        return contains(session, offset: record.offset, time: record.timestamp)
    }

    /// Whether a request at `offset`, and with it all behind it, is beyond the range.
    func isOver(offset: Int64) -> Bool {
        if case .offset(let end) = to { offset >= end } else { false }
    }
}

extension ReplayRange.Bound {
    fileprivate func isAfter(_ offset: Int64, _ time: Int64) -> Bool {
        switch self {
        case .offset(let bound): bound > offset
        case .time(let bound): bound.milliseconds > time
        }
    }
}
