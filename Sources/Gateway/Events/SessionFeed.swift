import Conversation
import DequeModule
import Kafka
import Synchronization

/// A session's newest events, and the readers that wait for the next one. What is kept is bounded: a reader that stays
/// too far behind finds that out at its next look.
///
/// Entries are numbered as they come and keep their number; an event that a higher run took back leaves its place
/// empty.
final class SessionFeed: Sendable {
    /// Where a reader stands.
    struct Cursor: Sendable {
        /// The number of the next entry to look at.
        var entry: Int
        /// The highest seq that the reader has.
        var seq: Int64
    }

    private struct Entry {
        var reading: Reading
        var bytes: Int
        /// Of an event; of what is taken back, the highest.
        var seq: Int64
        var isEvent = true
    }

    private struct Waiter {
        let continuation: CheckedContinuation<Void, Never>
        let due: ContinuousClock.Instant
    }

    private struct State {
        var rule: ReaderRule
        var entries: Deque<Entry?> = []
        /// The number of the first of them.
        var first = 0
        var bytes = 0
        /// The reader that has this seq finds here all that follows it; a smaller one does not.
        var covered: Int64
        var waiting: [Int: Waiter] = [:]
        var nextWaiter = 0
        /// Records that came before the feed had caught up; `nil` once it has.
        var early: [KafkaRecord]? = []
        var isClosed = false
    }

    let session: String
    private let capacity: Int
    private let state: Mutex<State>

    /// A feed that has nothing yet; records are kept aside until it has caught up.
    /// - Parameter capacity: bytes of events that are kept.
    init(session: String, capacity: Int) {
        self.session = session
        self.capacity = capacity
        state = Mutex(State(rule: ReaderRule(), covered: 0))
    }

    /// Takes the session's next records, as they come live.
    func append(_ records: [KafkaRecord]) {
        let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            if state.early != nil {
                state.early?.append(contentsOf: records)
                return []
            }
            for record in records { Self.take(record, capacity, &state) }
            return Self.allWaiting(&state)
        }
        for reader in woken { reader.resume() }
    }

    /// Forgets all that it has, to catch up again from an earlier place. Readers wait meanwhile, and miss nothing.
    func beginAgain() {
        state.withLock { state in
            state.first += state.entries.count
            state.entries = []
            state.bytes = 0
            state.rule = ReaderRule()
            state.covered = 0
            state.early = state.early ?? []
        }
    }

    /// While it catches up: takes the next records that the topic holds, from a turn's begin on.
    func replay(_ records: [KafkaRecord]) {
        state.withLock { state in
            for record in records { Self.take(record, capacity, &state) }
        }
    }

    /// Takes what has come live while it caught up. Records may be among it that were replayed.
    /// - Parameter covered: the last seq before the first record that was replayed; a reader needs all after that.
    func endCatchUp(covered: Int64) {
        let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            for record in state.early ?? [] { Self.take(record, capacity, &state) }
            state.early = nil
            state.covered = max(state.covered, covered)
            return Self.allWaiting(&state)
        }
        for reader in woken { reader.resume() }
    }

    /// A reader that has everything up to `seq`; `nil` if more than that is needed from elsewhere first.
    func cursor(after seq: Int64) -> Cursor? {
        state.withLock { state in
            seq < state.covered ? nil : Cursor(entry: state.first, seq: seq)
        }
    }

    /// A reader that wants only what comes from now on.
    func cursorAtEnd() -> Cursor {
        state.withLock { state in
            Cursor(entry: state.first + state.entries.count, seq: state.rule.position)
        }
    }

    /// The last seq that a reader must have, to find everything else here.
    var covered: Int64 { state.withLock { $0.covered } }

    /// The first event that is here.
    var firstSeq: Int64? {
        state.withLock { state in state.entries.lazy.compactMap(\.self).first { $0.isEvent }?.seq }
    }

    /// What lies ready for the reader; nothing if it has everything. Moves the cursor.
    func next(_ cursor: inout Cursor, atMost bytes: Int = 64 << 10) -> [Reading] {
        state.withLock { state in
            if cursor.entry < state.first {
                // Only what the reader has not got yet is a loss.
                guard cursor.seq >= state.covered else { return [.lagged(after: cursor.seq)] }
                cursor.entry = state.first
            }
            var found: [Reading] = []
            var size = 0
            while cursor.entry - state.first < state.entries.count, size < bytes {
                let entry = state.entries[cursor.entry - state.first]
                cursor.entry += 1
                guard let entry else { continue }
                switch entry.reading {
                case .event:
                    guard entry.seq > cursor.seq else { continue }
                    cursor.seq = entry.seq
                case .forget(let from):
                    // Who has more than lower runs ever wrote was past this before.
                    guard cursor.seq >= from, cursor.seq <= entry.seq else { continue }
                    cursor.seq = from - 1
                case .transcript, .lagged: break
                }
                found.append(entry.reading)
                size += entry.bytes
            }
            return found
        }
    }

    /// Returns when there may be something to look at, at the first ``wake(at:)`` from `due` on, or when the task is
    /// cancelled.
    func wait(_ cursor: Cursor, until due: ContinuousClock.Instant) async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isClosed || cursor.entry < state.first + state.entries.count || Task.isCancelled {
                        return true
                    }
                    state.waiting[waiter] = Waiter(continuation: continuation, due: due)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.continuation.resume()
        }
    }

    /// Has the readers look again whose time has come.
    func wake(at now: ContinuousClock.Instant) {
        let woken = state.withLock { state in
            let due = state.waiting.filter { $0.value.due <= now }
            for id in due.keys { state.waiting[id] = nil }
            return due.values.map(\.continuation)
        }
        for reader in woken { reader.resume() }
    }

    /// Readers find nothing more here.
    func close() {
        let woken = state.withLock { state in
            state.isClosed = true
            return Self.allWaiting(&state)
        }
        for reader in woken { reader.resume() }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    private static func allWaiting(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        guard !state.waiting.isEmpty else { return [] }
        let all = state.waiting.values.map(\.continuation)
        state.waiting.removeAll(keepingCapacity: true)
        return all
    }

    private static func take(_ record: KafkaRecord, _ capacity: Int, _ state: inout State) {
        guard let frame = EventFrame(record) else { return }
        let highest = state.rule.position
        switch state.rule.admit(frame.head) {
        case .drop: return
        case .accept: break
        case .acceptForgetting(let from, _):
            for index in state.entries.indices {
                guard let entry = state.entries[index], entry.isEvent, entry.seq >= from else { continue }
                state.bytes -= entry.bytes
                state.entries[index] = nil
            }
            add(Entry(reading: .forget(from: from), bytes: 32, seq: highest, isEvent: false), &state)
        }
        add(Entry(reading: .event(frame), bytes: frame.value.count + 160, seq: frame.seq), &state)
        while state.bytes > capacity, state.entries.count > 1 {
            let dropped = state.entries.removeFirst()
            state.first += 1
            state.bytes -= dropped?.bytes ?? 0
            if let dropped, dropped.isEvent { state.covered = max(state.covered, dropped.seq) }
        }
    }

    private static func add(_ entry: Entry, _ state: inout State) {
        state.entries.append(entry)
        state.bytes += entry.bytes
    }
}
