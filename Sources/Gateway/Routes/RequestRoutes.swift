import Conversation
import HTTPTypes
import Hummingbird
import Kafka
import NIOCore

/// The calls that put a request on the requests topic.
struct RequestRoutes: Sendable {
    let sender: RequestSender
    let maxBodyBytes: Int

    func add(to group: RouterGroup<GatewayContext>) {
        add(to: group, "messages", type: "message")
        add(to: group, "regenerate", type: "regenerate")
        add(to: group, "actions", type: "action")
        add(to: group, "stop", type: "stop")
        add(to: group, "close", type: "close")
        group.post("{id}/tool-results") { request, context in
            try await send(request, context) { try Self.toolAnswer(in: &$0) }
        }
    }

    private func add(to group: RouterGroup<GatewayContext>, _ path: String, type: String) {
        group.post("{id}/\(path)") { request, context in
            try await send(request, context) { $0["type"] = .string(type) }
        }
    }

    /// - Parameter complete: makes a request's value of the body.
    private func send(
        _ request: Hummingbird.Request, _ context: GatewayContext, _ complete: (inout JSONObject) throws -> Void
    ) async throws -> Response {
        let session = try context.sessionID()
        try context.require(.write, session: session)
        var value = try await request.jsonObject(atMost: maxBodyBytes)
        try complete(&value)
        let sent = try await sender.send(value, session: session, headers: request.headers)
        return Response(sent.json, status: .accepted)
    }

    /// Turns an answer to a tool call into the message that carries it.
    private static func toolAnswer(in body: inout JSONObject) throws {
        guard let id = body["toolCallId"]?.stringValue, !id.isEmpty else {
            throw GatewayError(
                .badRequest, "missing_tool_call_id", "An answer names the call by toolCallId.", param: "toolCallId")
        }
        let answers: [ToolAnswer?] = [
            body["output"].map { .output(callID: id, $0) },
            body["errorText"]?.stringValue.map { .error(callID: id, $0) },
            body["approved"]?.bool.map { .approval(callID: id, isGranted: $0, reason: body["reason"]?.stringValue) },
        ]
        let given = answers.compactMap(\.self)
        guard given.count == 1 else {
            throw GatewayError(
                .badRequest, "invalid_tool_result",
                "An answer has exactly one of output, errorText (a string) and approved (true or false).")
        }
        for name in ["toolCallId", "output", "errorText", "approved", "reason", "text"] { body[name] = nil }
        body["type"] = "message"
        body["message"] = Message.toolAnswer(given[0]).json
    }
}
