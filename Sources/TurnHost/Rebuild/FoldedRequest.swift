import Conversation
import SessionStore

/// A run as its first event tells of it.
struct FoldedRun: Sendable {
    let run: Int
    /// The `seq` of its first event, and where in the events partition that stands.
    let firstSeq: Int64
    let eventsStart: Int64
    /// Milliseconds since 1970.
    let startedAt: Int64
    /// How an earlier run of the turn had ended, as this one found it.
    var previous: (run: Int, cause: String)?
}

/// What one session's events say of one request: of one that is settled, how; of one that is not, how far it has come.
struct FoldedRequest: Sendable {
    /// The record that closed the request.
    struct Closing: Sendable {
        var seq: Int64
        var run: Int?
        var control: String
        var value: [UInt8]
        /// Milliseconds since 1970.
        var time: Int64
    }

    var session: String
    var requestID: String
    var requestOffset: Int64
    /// The turn's number; `nil` for what is no turn.
    var turn: Int?
    var runs: [FoldedRun] = []
    /// The answer's chunks as a reader has them.
    var chunks: [(seq: Int64, value: [UInt8])] = []
    /// What the run that closed it changed beyond them.
    var checkpoint: [UInt8]?
    var closing: Closing?
    /// How many of the session's first events the topic does not have (any more).
    var missing: Int64 = 0

    /// What is held of it.
    var bytes: Int { chunks.reduce(checkpoint?.count ?? 0) { $0 + $1.value.count } + (closing?.value.count ?? 0) }
}

extension FoldedRun {
    /// The previous run's end as a run's row has it.
    var previousEnd: (run: Int, cause: String, kind: RunEnd)? {
        previous.map { ($0.run, $0.cause, RunEnd(rawValue: $0.cause) ?? .unknown) }
    }
}
