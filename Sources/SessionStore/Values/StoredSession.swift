/// A session as its last settlement left it, with the runs of the turn that is not settled yet.
package struct StoredSession: Hashable, Sendable {
    package var id: String
    /// 0 before the first settlement, one more with each. The compare-and-set of every write goes by it.
    package var revision: Int64
    /// The number of the next turn.
    package var turns: Int
    package var nextSeq: Int64
    package var isClosed: Bool
    /// Milliseconds since 1970, like `updatedAt`; 0 before the first settlement.
    package var createdAt: Int64
    package var updatedAt: Int64
    /// The last settled offset of each log that requests of the session came from, that of the last settlement first.
    package var positions: [LogPosition]
    /// Offsets beyond the position whose requests already took effect.
    package var appliedAhead: [LogPosition]
    package var lastControl: StoredEvent?
    /// The last request that went to another topic, whatever has become of it there.
    package var forwarded: ForwardedRequest?
    /// What the agent keeps besides the messages. Opaque to the store; nil if there is none.
    package var state: [UInt8]?
    package var messages: [StoredMessage]
    /// All runs of turns that are not settled, dead ones with their cause, by turn and run number.
    package var openRuns: [StoredRun]

    /// The partition of a position that stands in no topic: of a session that was copied here.
    package static let noPartition: Int32 = -1

    /// The positions that stand in a topic of requests.
    package var requestPositions: [LogPosition] { positions.filter { $0.log.partition != Self.noPartition } }

    package init(
        id: String, revision: Int64 = 0, turns: Int = 0, nextSeq: Int64 = 1, isClosed: Bool = false,
        createdAt: Int64 = 0, updatedAt: Int64 = 0, positions: [LogPosition] = [], appliedAhead: [LogPosition] = [],
        lastControl: StoredEvent? = nil, forwarded: ForwardedRequest? = nil, state: [UInt8]? = nil,
        messages: [StoredMessage] = [],
        openRuns: [StoredRun] = []
    ) {
        self.id = id
        self.revision = revision
        self.turns = turns
        self.nextSeq = nextSeq
        self.isClosed = isClosed
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.positions = positions
        self.appliedAhead = appliedAhead
        self.lastControl = lastControl
        self.forwarded = forwarded
        self.state = state
        self.messages = messages
        self.openRuns = openRuns
    }
}
