import Conversation
import HTTPTypes
import Hummingbird

/// `GET /v1/sessions/{id}/events`.
struct EventRoutes: Sendable {
    let streams: EventStreams

    func add(to group: RouterGroup<GatewayContext>) {
        group.get("{id}/events") { request, context in
            let session = try context.sessionID()
            try context.require(.read, session: session)
            let seq = try Self.position(in: request)
            return try await streams.response(session, after: seq, on: context.channel) { reading, buffer in
                EventEncoding.encode(reading, into: &buffer)
            }
        }
    }

    /// The seq that the reader has: `Last-Event-ID`, which a browser sends by itself, or else `after`; 0 is nothing.
    private static func position(in request: Hummingbird.Request) throws -> Int64 {
        let header = request.headers[.lastEventID].flatMap { $0.isEmpty ? nil : $0 }
        guard let text = header ?? request.uri.queryParameters.get("after"), !text.isEmpty else { return 0 }
        guard text.utf8.allSatisfy({ (48...57).contains($0) }), let seq = Int64(text), seq < Int64.max else {
            throw GatewayError(
                .badRequest, "invalid_position", "The position is the id of the last event that was read: a number.",
                param: header == nil ? "after" : "last-event-id")
        }
        return seq
    }
}

extension HTTPField.Name {
    static let lastEventID = HTTPField.Name("last-event-id") ?? .ifMatch
}
