import ChatAgent
import Conversation
import SessionStore

/// A session's state as this host holds it between its turns. Owned by the session's runner: one turn at a time touches
/// it.
struct SessionMemory: Sendable {
    /// What a recovery hook decided for a request that is still to come.
    enum Directive: Sendable {
        case leaveOut
        case replace(Message)
    }

    /// Under which assignment it was read. Under any other it may be out of date.
    var assignment: Int64
    var revision: Int64
    /// The number of the next turn.
    var turns: Int
    var nextSeq: Int64
    var isClosed: Bool
    var positions: [LogIdentity: Int64]
    /// The log of the request that was settled last.
    var lastLog: LogIdentity?
    /// The last request that went to another topic, until it is known to be settled there.
    var forwarded: ForwardedRequest?
    /// Beyond the position: stops that took effect already, and messages that a recovery hook left out for good.
    var appliedAhead: [LogPosition]
    /// What closed the last request, to be sent again with the same seq if it comes again.
    var lastControl: StoredEvent?
    var chain: Chain
    /// Runs of the next turn that did not settle it, ascending.
    var openRuns: [StoredRun]
    var directives: [Int64: Directive] = [:]
    var locals: Locals
    let background = BackgroundMessages()
    var summary: ConversationSummary?
    /// The agent's state as it is stored.
    var storedState: [UInt8]
    var isBooted = false
    /// Whether it was read for the request in hand.
    var wasLoaded = true
    /// How many turns this memory has seen, and what they cost.
    var turnsSeen = 0
    var previousUsage: Usage?
    var totalUsage: Usage?
    /// Whether there was a state to take over.
    let isContinuation: Bool
    /// How many bytes the history's messages have as they are stored.
    var bytes: Int
    /// About how many bytes the history takes in memory: of a short message most is not its text.
    var historyBytes: Int { bytes + chain.count * Self.messageBytes }

    /// What a message takes besides its text, as measured with 70,000 of them.
    private static let messageBytes = 512

    /// A session that nothing is stored of.
    init(assignment: Int64) {
        self.assignment = assignment
        revision = 0
        turns = 0
        nextSeq = 1
        isClosed = false
        positions = [:]
        appliedAhead = []
        chain = Chain()
        openRuns = []
        locals = Locals()
        storedState = []
        isContinuation = false
        bytes = 0
    }

    /// - Parameter onUnreadable: gets the index of each stored message that can't be read. The history goes on without
    ///   it.
    init(
        _ stored: StoredSession, _ state: AgentState, assignment: Int64, onUnreadable: (Int, ConversationError) -> Void
    ) {
        self.assignment = assignment
        revision = stored.revision
        turns = stored.turns
        nextSeq = stored.nextSeq
        isClosed = stored.isClosed
        positions = Dictionary(stored.positions.map { ($0.log, $0.offset) }, uniquingKeysWith: max)
        lastLog = stored.positions.first?.log
        forwarded = stored.forwarded
        appliedAhead = stored.appliedAhead
        lastControl = stored.lastControl
        openRuns = stored.openRuns
        isContinuation = true
        locals = Locals(durable: state.locals)
        summary = state.summary
        storedState = stored.state ?? []
        bytes = stored.messages.reduce(0) { $0 + $1.body.count }
        var readable: [Message] = []
        var intact: Int?
        for (index, message) in stored.messages.enumerated() {
            do {
                readable.append(try Message(parsing: message.body))
            } catch {
                intact = intact ?? index
                onUnreadable(index, error)
            }
        }
        // What follows a message that is left out has another place than in the store, and is written again.
        chain = Chain(stored: Array(readable.prefix(intact ?? readable.count)))
        for message in readable.dropFirst(intact ?? readable.count) { chain.merge(message) }
    }

    /// The agent's state, if it is not what is stored.
    var changedState: [UInt8]? {
        let state = AgentState(summary: summary, locals: locals.durable).serialized()
        return state == storedState ? nil : state
    }

    /// Whether the request at `position` is settled.
    func hasApplied(_ position: LogPosition) -> Bool {
        positions[position.log].map { position.offset <= $0 } ?? false
    }
}
