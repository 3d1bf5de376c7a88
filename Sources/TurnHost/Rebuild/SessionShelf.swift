/// The sessions that a rebuild has at hand, up to a bound of bytes. Of those that had to go it knows what they have
/// already, so that what is there is passed over without reading a history.
struct SessionShelf {
    /// About what a session takes besides its history.
    private static let ownBytes = 4 * 1024

    private let maximumBytes: Int
    private var sessions: [(id: String, memory: SessionMemory)] = []
    private var indexes: [String: Int] = [:]
    /// About how many bytes they take.
    private(set) var bytes = 0
    /// Where the events go on of each session that was here.
    private var nextSeqs: [String: Int64] = [:]

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// How many sessions are at hand.
    var count: Int { sessions.count }

    /// The seq from which on something is new to the session; `nil` if it never was here. It only grows.
    func nextSeq(of session: String) -> Int64? { nextSeqs[session] }

    /// Takes the session out.
    mutating func take(_ session: String) -> SessionMemory? {
        indexes[session].map { remove(at: $0) }
    }

    /// Puts the session in, in place of what is there of it. Beyond the bound others go, whichever: sessions come round in turns here, and the least
    /// recently used would be just the one that is next.
    mutating func keep(_ memory: SessionMemory, _ session: String) {
        _ = take(session)
        nextSeqs[session] = memory.nextSeq
        indexes[session] = sessions.count
        sessions.append((session, memory))
        bytes += memory.historyBytes + Self.ownBytes
        while bytes > maximumBytes, !sessions.isEmpty { remove(at: Int.random(in: sessions.indices)) }
    }

    @discardableResult
    private mutating func remove(at index: Int) -> SessionMemory {
        sessions.swapAt(index, sessions.count - 1)
        indexes[sessions[index].id] = index
        let (id, memory) = sessions.removeLast()
        indexes[id] = nil
        bytes -= memory.historyBytes + Self.ownBytes
        return memory
    }
}
