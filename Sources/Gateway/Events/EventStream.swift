import Conversation
import Hummingbird
import NIOCore

/// One reader's connection: what its session's feed has, and before that what only the topic or the store has.
///
/// To be used by one task. Whatever the reader is told is written in one piece for as much as lies ready, and the next
/// piece is made when the connection has taken the last: a slow reader holds up nobody but itself.
struct EventStream: Sendable {
    let hub: EventHub
    let history: EventHistory
    let feed: SessionFeed
    let heartbeat: Duration
    /// A connection that takes longer than this for a piece is slow.
    let patience: Duration
    let watch: ReaderWatch
    /// Bounds the reads of the past.
    let permits: Permits

    /// Tells `writer` everything after `seq`, until the feed is closed, the reader falls behind or `encode` says that it
    /// is over.
    /// - Parameter encode: adds what a reading is on the wire.
    func write(
        after seq: Int64, to writer: inout any ResponseBodyWriter,
        encode: (Reading, inout ByteBuffer) -> ReadingOutcome
    ) async throws {
        guard var cursor = try await attach(after: seq, to: &writer, encode: encode) else { return }
        var lastWrite = ContinuousClock.now
        var isSlow = false
        while !Task.isCancelled {
            var buffer = ByteBuffer()
            var isOver = false
            let readings = feed.next(&cursor)
            if case .lagged(let seq)? = readings.first, !isSlow {
                // More came at once than is kept: a reader that takes what it is given is told the rest from the topic.
                guard let attached = try await attach(after: seq, to: &writer, encode: encode) else { return }
                // Where the topic has nothing of it, there is nothing to wait for.
                isSlow = attached.seq <= seq && feed.cursor(after: attached.seq) == nil
                cursor = attached
                continue
            }
            for reading in readings {
                if case .lagged = reading { isOver = true }
                if encode(reading, &buffer) == .over { isOver = true }
                if isOver { break }
            }
            if buffer.readableBytes == 0, !isOver {
                if feed.isClosed { return }
                let due = lastWrite + heartbeat
                if ContinuousClock.now < due {
                    await feed.wait(cursor, until: due)
                    continue
                }
                buffer.writeString(": still here\n\n")
            }
            let begun = ContinuousClock.now
            if buffer.readableBytes > 0 { try await send(buffer, to: &writer) }
            if isOver { return }
            lastWrite = .now
            isSlow = lastWrite - begun > patience
        }
    }

    /// Brings a reader to where the feed begins.
    /// - Returns: where it stands in the feed; `nil` if its stream is over before that.
    private func attach(
        after seq: Int64, to writer: inout any ResponseBodyWriter,
        encode: (Reading, inout ByteBuffer) -> ReadingOutcome
    ) async throws -> SessionFeed.Cursor? {
        if let cursor = feed.cursor(after: seq) { return cursor }
        try await hub.reachBack(feed, to: seq)
        var seq = seq
        // Each round reads what was added to the topic during the last one: the feed is soon reached.
        for _ in 0..<8 {
            if let cursor = feed.cursor(after: seq) { return cursor }
            var isOver = false
            await permits.take()
            do {
                let reached = try await history.tell(feed.session, after: seq) { readings in
                    var buffer = ByteBuffer()
                    for reading in readings where !isOver { isOver = encode(reading, &buffer) == .over }
                    if buffer.readableBytes > 0 { try await send(buffer, to: &writer) }
                }
                await permits.giveBack()
                seq = max(seq, reached)
            } catch {
                await permits.giveBack()
                throw error
            }
            if isOver { return nil }
        }
        return SessionFeed.Cursor(entry: 0, seq: seq)
    }

    private func send(_ buffer: ByteBuffer, to writer: inout any ResponseBodyWriter) async throws {
        watch.begin()
        defer { watch.end() }
        try await writer.write(buffer)
    }
}

/// Whether a stream goes on after a reading.
enum ReadingOutcome: Sendable {
    case goesOn
    case over
}
