import Conversation
import HTTPTypes
import Hummingbird
import NIOCore

/// Makes the responses that stream a session's events.
struct EventStreams: Sendable {
    let hub: EventHub
    let history: EventHistory
    let heartbeat: Duration
    let patience: Duration
    let watches = ReaderWatches()
    /// Reads of the past at once.
    let permits = Permits(8)

    /// A stream of what the session's readers are told.
    /// - Parameters:
    ///   - seq: begins after this; `nil` is only what comes from now on.
    ///   - fields: further headers.
    ///   - onOpen: done once nothing of what comes can be missed any more, and before the response begins.
    ///   - ending: written when the stream is over, and not when the reader has gone.
    ///   - encode: see ``EventStream/write(after:to:encode:)``.
    func response(
        _ session: String, after seq: Int64?, on channel: any Channel, headers fields: HTTPFields = [:],
        onOpen: () async throws -> Void = {}, ending: String = "",
        encode: @escaping @Sendable (Reading, inout ByteBuffer) -> ReadingOutcome
    ) async throws -> Response {
        let feed = try await hub.join(session)
        let seq = seq ?? feed.cursorAtEnd().seq
        do {
            try await onOpen()
        } catch {
            await hub.leave(feed)
            throw error
        }
        let watch = ReaderWatch(channel)
        watches.add(watch)
        let stream = EventStream(
            hub: hub, history: history, feed: feed, heartbeat: heartbeat, patience: patience, watch: watch,
            permits: permits)
        var headers = fields
        headers[.contentType] = "text/event-stream"
        headers[.cacheControl] = "no-store"
        // Proxies that buffer would hold an answer back.
        headers[.accelBuffering] = "no"
        let body = ResponseBody { [hub, watches] writer in
            do {
                // The reader learns at once that it is connected.
                try await writer.write(ByteBuffer(string: ": connected\n\n"))
                try await stream.write(after: seq, to: &writer, encode: encode)
                if !ending.isEmpty { try await writer.write(ByteBuffer(string: ending)) }
                try await writer.finish(nil)
            } catch {
                watches.remove(watch)
                await hub.leave(feed)
                throw error
            }
            watches.remove(watch)
            await hub.leave(feed)
        }
        return Response(status: .ok, headers: headers, body: body)
    }
}

extension HTTPField.Name {
    static let accelBuffering = HTTPField.Name("x-accel-buffering") ?? .ifMatch
}
