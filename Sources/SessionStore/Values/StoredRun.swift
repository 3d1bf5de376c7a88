/// One worker's attempt at one turn, or at a request that is no turn. Such a request's runs have the number of the next
/// turn, until its settlement drops them.
package struct StoredRun: Hashable, Sendable, Identifiable {
    package var session: String
    package var turn: Int
    /// 1 for the turn's first run, one more for each further one.
    package var run: Int
    package var status: RunStatus
    /// What ended the run, in words: "crashed: SIGSEGV", "handover".
    package var cause: String?
    package var causeKind: RunEnd?
    package var region: String?
    package var host: String
    package var requestID: String
    /// The request that the turn answers.
    package var position: LogPosition
    /// The `seq` of the run's first event.
    package var firstSeq: Int64
    /// An offset in the events partition at or before the run's first event.
    package var eventsStart: Int64
    /// Milliseconds since 1970, like `endedAt`.
    package var startedAt: Int64
    package var endedAt: Int64?
    package var outcome: String?
    package var finishReason: String?
    /// JSON; the store does not look into it.
    package var usage: [UInt8]?
    package var error: String?
    /// Whether the user stopped the turn.
    package var stopped: Bool
    /// The ids of the tool calls that the run was about to make, in the order they were recorded, each once. Forgotten
    /// when the turn is settled.
    package var intents: [String]

    package init(
        session: String, turn: Int, run: Int, status: RunStatus = .running, cause: String? = nil,
        causeKind: RunEnd? = nil, region: String? = nil, host: String, requestID: String, position: LogPosition,
        firstSeq: Int64, eventsStart: Int64, startedAt: Int64, endedAt: Int64? = nil, outcome: String? = nil,
        finishReason: String? = nil, usage: [UInt8]? = nil, error: String? = nil, stopped: Bool = false,
        intents: [String] = []
    ) {
        self.session = session
        self.turn = turn
        self.run = run
        self.status = status
        self.cause = cause
        self.causeKind = causeKind
        self.region = region
        self.host = host
        self.requestID = requestID
        self.position = position
        self.firstSeq = firstSeq
        self.eventsStart = eventsStart
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.outcome = outcome
        self.finishReason = finishReason
        self.usage = usage
        self.error = error
        self.stopped = stopped
        self.intents = intents
    }

    /// `SESSION/TURN/RUN`. The session's id may itself contain slashes; the last two parts are always the numbers.
    package var id: String { Self.id(session: session, turn: turn, run: run) }

    package static func id(session: String, turn: Int, run: Int) -> String { "\(session)/\(turn)/\(run)" }

    /// The parts of a run's id, or nil if it is not one.
    package static func parts(ofID id: String) -> (session: String, turn: Int, run: Int)? {
        let parts = id.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 3, let turn = Int(parts[parts.count - 2]), let run = Int(parts[parts.count - 1]) else {
            return nil
        }
        return (parts.dropLast(2).joined(separator: "/"), turn, run)
    }
}
