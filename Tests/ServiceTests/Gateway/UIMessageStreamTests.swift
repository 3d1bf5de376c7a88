import Conversation
import Foundation
import HTTPTestServer
import TestSupport
import Testing

@Suite("The AI SDK's wire")
struct UIMessageStreamTests {
    private static let agent = """
        name: concierge
        maxSteps: 5
        tools:
          - name: book
            description: Books a room.
            input:
              type: object
              properties: {nights: {type: integer, minimum: 1}}
              required: [nights]
            http: {url: URL/rooms}
            approval: {when: {properties: {nights: {minimum: 4}}}}
        """

    @Test("Another implementation reads every chunk, tool approvals included", .timeLimit(.minutes(10)))
    func chunks() async throws {
        try await TestServer.serving { _ in
            .json(#"{"room": 12}"#)
        } _: { hotel in
            try await withCluster(.embedded, "UI message stream") { cluster in
                let path = cluster.directory.path("agent.yaml")
                try Data(Self.agent.replacingOccurrences(of: "URL", with: hotel.url).utf8)
                    .write(to: URL(filePath: path))
                _ = try await cluster.startWorker("worker", ["--agent", path])
                let (gateway, _) = try await GatewayClient.start(cluster, name: "gateway")
                var chunks = try await Self.say(
                    "#script\nreason Let me see.\ntokens 5 30ms\n\(Self.book(2))", gateway, "a")
                try require("the last part", chunks.last?["type"]?.stringValue, equals: "finish")
                // The same once more, as the user's click on 'regenerate' asks for it.
                chunks += try await Self.post(["id": "a", "trigger": "regenerate-message", "messages": []], gateway)
                for (chat, isApproved) in [("b", true), ("c", false)] {
                    let asked = try await Self.say("#script\nsay One moment.\n\(Self.book(9))", gateway, chat)
                    let answered = try await Self.decide(isApproved, asked, gateway, chat)
                    chunks += asked + answered
                }
                chunks += try await Self.say("#script\ntool book {\"nights\":0}\nsay Well.", gateway, "d")
                chunks += try await Self.say("#script\nsay Oh.\nfail invalid_request", gateway, "e")
                try await Self.check(chunks)
            }
        }
    }

    private static func check(_ chunks: [JSON]) async throws {
        let seen = try await PythonEnvironment.run(
            "Tests/ServiceTests/Gateway/ui_message_stream.py",
            input: chunks.map(\.serializedString).joined(separator: "\n")
        ).split(whereSeparator: \.isWhitespace).map(String.init)
        let wanted: Set<String> = [
            "start", "start-step", "text-start", "text-delta", "text-end", "reasoning-start", "reasoning-delta",
            "reasoning-end", "tool-input-start", "tool-input-available", "tool-output-available",
            "tool-approval-request", "tool-output-denied", "finish-step", "finish", "error",
        ]
        try require("the types that were not among them", wanted.subtracting(seen), equals: [])
    }

    private static func book(_ nights: Int) -> String { "tool book {\"nights\":\(nights)}\nsay Done." }

    /// Sends a user's message as `useChat` does.
    private static func say(_ text: String, _ gateway: GatewayClient, _ chat: String) async throws -> [JSON] {
        let part: JSON = ["type": "text", "text": .string(text)]
        let message: JSON = ["id": .string("u-\(chat)"), "role": "user", "parts": [part]]
        return try await post(
            ["id": .string(chat), "trigger": "submit-message", "messages": [message]], gateway)
    }

    /// Answers the call that the chunks ask about, as `addToolApprovalResponse` does.
    private static func decide(
        _ isApproved: Bool, _ asked: [JSON], _ gateway: GatewayClient, _ chat: String
    ) async throws -> [JSON] {
        guard let request = asked.first(where: { $0["type"]?.stringValue == "tool-approval-request" }),
            let messageID = asked.first(where: { $0["type"]?.stringValue == "start" })?["messageId"],
            let callID = request["toolCallId"], let approvalID = request["approvalId"]
        else { throw Discrepancy("the chunks", expected: "a request for approval", came: asked) }
        let call: JSON = [
            "type": "tool-book", "toolCallId": callID, "state": "approval-responded", "input": ["nights": 9],
            "approval": ["id": approvalID, "approved": .bool(isApproved)],
        ]
        let message: JSON = [
            "id": messageID, "role": "assistant",
            "parts": [["type": "step-start"], ["type": "text", "text": "One moment."], call],
        ]
        return try await post(["id": .string(chat), "messages": [message]], gateway)
    }

    private static func post(_ body: JSON, _ gateway: GatewayClient) async throws -> [JSON] {
        var chunks: [JSON] = []
        var isDone = false
        _ = try await EventStreamClient().read("\(gateway.url)/v1/chat", post: body.serializedString) { event in
            if event.data == "[DONE]" {
                isDone = true
            } else {
                chunks.append(try JSON(parsing: event.data))
            }
            return true
        }
        try require("whether the stream was ended properly", isDone, equals: true)
        return chunks
    }
}
