import ChatAgent
package import Conversation
import Kafka
import Synchronization

/// Writes one run's events: numbers them without gaps, merges deltas within a window, keeps their order, and knows when
/// all of them are acknowledged.
///
/// Until ``open()`` nothing is published: a run's first event must not precede its durable beginning.
package final class EventWriter: TurnOutput {
    private struct PendingDelta {
        var chunk: TextDelta
        var isReasoning: Bool

        var whole: Chunk { isReasoning ? .reasoningDelta(chunk) : .textDelta(chunk) }

        /// The delta in pieces that fit into a record however much of their text has to be escaped.
        func pieces(ofAtMost size: Int) -> [PendingDelta] {
            let text = chunk.delta
            guard text.utf8.count > size else { return [self] }
            var pieces: [PendingDelta] = []
            var start = text.startIndex
            while start < text.endIndex {
                // A scalar has at most four bytes; one that would be cut goes to the next piece.
                let limit = text.utf8.index(start, offsetBy: max(size, 4), limitedBy: text.endIndex) ?? text.endIndex
                let end = String.Index(limit, within: text.unicodeScalars) ?? text.unicodeScalars.index(before: limit)
                var piece = self
                piece.chunk.delta = String(text[start..<end])
                pieces.append(piece)
                start = end
            }
            return pieces
        }
    }

    private struct Outgoing {
        var record: ProducerRecord
        var isContent: Bool
    }

    private struct Order {
        var nextSeq: Int64
        var delta: PendingDelta?
        /// A delta was written, and until the ticker comes back further ones are merged.
        var isInWindow = false
        var gated: [Outgoing]? = []
        var isAbandoned = false
    }

    private struct Acks {
        var outstanding = 0
        var failure: (any Error)?
        var drainers: [CheckedContinuation<Void, Never>] = []
        var writers: [CheckedContinuation<Void, Never>] = []
    }

    /// So many records of one run may be on their way.
    private static let congestion = 512
    /// A delta that has grown to this many bytes is written before its window ends.
    private static let largestDelta = 32 * 1024

    private let log: any EventLog
    private let identity: EventIdentity
    private let maximumBytes: Int
    private let ticker: FlushTicker
    private let onContentAcknowledged: (@Sendable () -> Void)?
    private let order: Mutex<Order>
    // Apart from the order's lock, because the log may acknowledge from within `append`.
    private let acks = Mutex(Acks())

    package init(
        log: any EventLog, identity: EventIdentity, firstSeq: Int64, maximumBytes: Int,
        ticker: FlushTicker, onContentAcknowledged: (@Sendable () -> Void)? = nil
    ) {
        self.log = log
        self.identity = identity
        self.maximumBytes = maximumBytes
        self.ticker = ticker
        self.onContentAcknowledged = onContentAcknowledged
        order = Mutex(Order(nextSeq: firstSeq))
    }

    /// The seq that the next event will have.
    package var nextSeq: Int64 {
        order.withLock { order in
            flush(&order)
            return order.nextSeq
        }
    }

    package func write(_ chunk: Chunk) throws {
        let needsTick = try order.withLock { order -> Bool in
            switch chunk {
            case .textDelta(let delta): return merge(PendingDelta(chunk: delta, isReasoning: false), into: &order)
            case .reasoningDelta(let delta): return merge(PendingDelta(chunk: delta, isReasoning: true), into: &order)
            default:
                let value = try fitting(chunk)
                flush(&order)
                put(value, control: nil, in: &order)
                return false
            }
        }
        if needsTick { ticker.mark(self) }
    }

    package func check(_ chunk: Chunk) throws {
        _ = try fitting(chunk)
    }

    private func fitting(_ chunk: Chunk) throws -> [UInt8] {
        let value = chunk.serialized()
        guard value.count <= maximumBytes else {
            throw TurnError.chunkTooLarge(type: chunk.type, size: value.count, maximum: maximumBytes)
        }
        return value
    }

    package func write(_ control: ControlRecord) {
        order.withLock { order in
            flush(&order)
            put(control.serialized(), control: control.subtype, in: &order)
        }
    }

    /// The merging window is over: what was merged is written, and begins the next one.
    /// - Returns: whether there is a next one.
    func endWindow() -> Bool {
        order.withLock { order in
            order.isInWindow = order.delta != nil
            flush(&order)
            return order.isInWindow
        }
    }

    /// The run's beginning is durable: publishes what has gathered, and everything after it as it comes.
    package func open() {
        let needsTick = order.withLock { order in
            guard let gated = order.gated else { return false }
            order.gated = nil
            for outgoing in gated { send(outgoing) }
            return beginWindow(&order)
        }
        if needsTick { ticker.mark(self) }
    }

    /// Publishes nothing more.
    package func abandon() {
        order.withLock { order in
            order.isAbandoned = true
            order.delta = nil
            guard let gated = order.gated else { return }
            order.gated = []
            for _ in gated { acknowledged(.success(-1), isContent: false) }
        }
    }

    /// Writes what is pending and waits until the broker has acknowledged everything.
    /// - Throws: the first failure.
    package func drain() async throws {
        order.withLock { flush(&$0) }
        await withCheckedContinuation { continuation in
            let isDone = acks.withLock { acks in
                if acks.outstanding > 0 { acks.drainers.append(continuation) }
                return acks.outstanding == 0
            }
            if isDone { continuation.resume() }
        }
        if let failure = acks.withLock({ $0.failure }) { throw failure }
    }

    package var isCongested: Bool {
        acks.withLock { $0.outstanding >= Self.congestion } || log.isCongested
    }

    package func waitUntilWritable() async {
        await withCheckedContinuation { continuation in
            let isReady = acks.withLock { acks in
                if acks.outstanding >= Self.congestion { acks.writers.append(continuation) }
                return acks.outstanding < Self.congestion
            }
            if isReady { continuation.resume() }
        }
        if log.isCongested { await log.waitForCapacity() }
    }

    /// Writes the delta that is there, if anything may be written yet and none was lately.
    /// - Returns: whether the ticker has to come back at the end of the window that begins with it.
    private func beginWindow(_ order: inout Order) -> Bool {
        guard order.delta != nil, order.gated == nil, !order.isInWindow else { return false }
        order.isInWindow = true
        flush(&order)
        return true
    }

    /// - Returns: whether the ticker has to come back.
    private func merge(_ delta: PendingDelta, into order: inout Order) -> Bool {
        if order.delta?.chunk.id == delta.chunk.id, order.delta?.isReasoning == delta.isReasoning,
            delta.chunk.providerMetadata == nil, delta.chunk.unknown.isEmpty
        {
            order.delta?.chunk.delta += delta.chunk.delta
        } else {
            flush(&order)
            order.delta = delta
        }
        let size = order.delta?.chunk.delta.utf8.count ?? 0
        if size >= Self.largestDelta || !ticker.hasWindow { flush(&order) }
        return beginWindow(&order)
    }

    private func flush(_ order: inout Order) {
        guard let delta = order.delta else { return }
        order.delta = nil
        for piece in delta.pieces(ofAtMost: maximumBytes / 8) {
            put(piece.whole.serialized(), control: nil, isContent: true, in: &order)
        }
    }

    private func put(_ value: [UInt8], control: String?, isContent: Bool = false, in order: inout Order) {
        guard !order.isAbandoned else { return }
        let record = identity.record(seq: order.nextSeq, control: control, value: value)
        let outgoing = Outgoing(record: record, isContent: isContent)
        order.nextSeq += 1
        acks.withLock { $0.outstanding += 1 }
        if order.gated != nil { order.gated?.append(outgoing) } else { send(outgoing) }
    }

    private func send(_ outgoing: Outgoing) {
        log.append(outgoing.record) { self.acknowledged($0, isContent: outgoing.isContent) }
    }

    private func acknowledged(_ result: Result<Int64, any Error>, isContent: Bool) {
        let (drainers, writers) = acks.withLock { acks in
            acks.outstanding -= 1
            if case .failure(let error) = result, acks.failure == nil { acks.failure = error }
            var ready: ([CheckedContinuation<Void, Never>], [CheckedContinuation<Void, Never>]) = ([], [])
            if acks.outstanding == 0 { swap(&ready.0, &acks.drainers) }
            if acks.outstanding <= Self.congestion / 2 { swap(&ready.1, &acks.writers) }
            return ready
        }
        for continuation in drainers { continuation.resume() }
        for continuation in writers { continuation.resume() }
        if isContent, case .success = result { onContentAcknowledged?() }
    }
}
