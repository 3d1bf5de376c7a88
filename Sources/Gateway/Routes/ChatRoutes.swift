import Conversation
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import SessionStore

/// The AI SDK's own wire: a chat's messages in, the answer's chunks out. `useChat` works against it unchanged.
struct ChatRoutes: Sendable {
    let sender: RequestSender
    let streams: EventStreams
    let store: any SessionStore
    let maxBodyBytes: Int

    func add(to group: RouterGroup<GatewayContext>) {
        group.post { request, context in
            let call = try ChatCall(try await request.jsonObject(atMost: maxBodyBytes))
            try context.require(.write, session: call.session)
            try context.require(.read, session: call.session)
            return try await answer(call, request, context)
        }
        group.get("{id}/stream") { _, context in
            let session = try context.sessionID()
            try context.require(.read, session: session)
            return try await resume(session, context)
        }
    }

    /// Sends the call's request, and streams what answers it.
    private func answer(
        _ call: ChatCall, _ request: Hummingbird.Request, _ context: GatewayContext
    ) async throws -> Response {
        let encoder = ChatEncoder { [id = call.requestID] head in head.requestID == id }
        return try await streams.response(
            call.session, after: nil, on: context.channel, headers: Self.headers,
            onOpen: {
                _ = try await sender.send(call.request, session: call.session, headers: request.headers)
            }, ending: ChatEncoder.ending, encode: encoder.encode)
    }

    /// Streams the answer that is in progress, from its begin.
    private func resume(_ session: String, _ context: GatewayContext) async throws -> Response {
        guard let turn = try await store.sessionHead(session)?.openRuns.map(\.turn).min(),
            let run = try await store.run(StoredRun.id(session: session, turn: turn, run: 1))
        else { return Response(status: .noContent) }
        let encoder = ChatEncoder { head in head.turn == turn }
        return try await streams.response(
            session, after: run.firstSeq - 1, on: context.channel, headers: Self.headers,
            ending: ChatEncoder.ending, encode: encoder.encode)
    }

    private static let headers: HTTPFields = [.uiMessageStream: "v1"]
}

extension HTTPField.Name {
    static let uiMessageStream = HTTPField.Name("x-vercel-ai-ui-message-stream") ?? .ifMatch
}
