import Conversation
import Foundation
import HTTPTypes

/// What a chat of the AI SDK asks for: the body that its `DefaultChatTransport` posts.
struct ChatCall: Sendable {
    let session: String
    /// Made up here, so that the answer is known before the broker has acknowledged the request.
    let requestID: String
    /// The request's members.
    let request: JSONObject

    /// - Throws: a ``GatewayError`` that names the member that is missing or wrong.
    init(_ body: JSONObject) throws {
        guard let id = body["id"]?.stringValue else {
            throw GatewayError(.badRequest, "missing_chat_id", "A chat is named by the member id.", param: "id")
        }
        do {
            session = try SessionID.validate(Array(id.utf8))
        } catch {
            throw GatewayError(.badRequest, "invalid_session_id", error.message, param: "id")
        }
        requestID = "chat-\(UUID().uuidString.lowercased())"
        var request: JSONObject = ["id": .string(requestID)]
        request["data"] = body["data"]
        if body["trigger"]?.stringValue == "regenerate-message" {
            request["type"] = "regenerate"
        } else {
            request["type"] = "message"
            request["message"] = try Self.newMessage(body["messages"])
        }
        self.request = request
    }

    /// The last message is what is new: the user's, or the assistant's with what the user's side answered to its calls.
    private static func newMessage(_ messages: JSON?) throws -> JSON {
        guard let last = messages?.arrayValue?.last else {
            throw GatewayError(
                .badRequest, "missing_message", "A chat's last message is what is answered.", param: "messages")
        }
        guard last["role"]?.stringValue == "assistant", var slim = last.objectValue else { return last }
        let parts = last["parts"]?.arrayValue ?? []
        // Answers belong to the last step; earlier ones were taken up long ago.
        let step = parts.lastIndex { $0["type"]?.stringValue == "step-start" }.map { parts[($0 + 1)...] } ?? parts[...]
        let answers = step.filter { part in
            ["output-available", "output-error", "approval-responded"].contains(part["state"]?.stringValue ?? "")
        }
        guard !answers.isEmpty else {
            throw GatewayError(
                .badRequest, "nothing_to_answer",
                "The last message is an assistant's and answers no call of a tool.", param: "messages")
        }
        slim["parts"] = .array(Array(answers))
        return .object(slim)
    }
}
