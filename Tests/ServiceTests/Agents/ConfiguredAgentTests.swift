import CarryonService
import Conversation
import Foundation
import HTTPTestServer
import SessionStore
import TestSupport
import Testing

@Suite("An agent of a file, in a worker")
struct ConfiguredAgentTests {
    private func agentFile(_ server: TestServer) -> String {
        """
        name: concierge
        maxSteps: 5
        tools:
          - name: book
            description: Books a room.
            input:
              type: object
              properties: {nights: {type: integer, minimum: 1}}
              required: [nights]
            http:
              url: \(server.url)/rooms
              headers: {Authorization: "Bearer ${HOTEL_KEY}", X-Hotel: {file: hotel.txt}}
            approval: {when: {properties: {nights: {minimum: 4}}}}
        """
    }

    /// The server and a worker that serves the agent of its file.
    private func withHotel(
        _ label: String, _ reply: @escaping @Sendable (ReceivedRequest) -> ServerReply,
        _ body: (Cluster, TestServer) async throws -> Void
    ) async throws {
        try await TestServer.serving(reply) { server in
            try await withCluster(.embedded, label) { cluster in
                let path = cluster.directory.path("agent.yaml")
                try Data(agentFile(server).utf8).write(to: URL(filePath: path))
                let secret = URL(filePath: cluster.directory.path("hotel.txt"))
                try Data("grand\n".utf8).write(to: secret)
                _ = try await cluster.start(
                    ["work", "--agent", path], name: "worker", variables: ["HOTEL_KEY": "key"])
                try await body(cluster, server)
            }
        }
    }

    private func book(nights: Int) -> String {
        "#script\nsay One moment.\ntool book {\"nights\":\(nights)}\nsay Done."
    }

    /// Waits until so many turns of the session are complete.
    /// - Returns: the call in its last answer, and that answer's text.
    private func call(
        in session: String, afterTurns count: Int, _ cluster: Cluster
    ) async throws -> (answer: Message, call: ToolPart) {
        try await eventually(timeout: .seconds(40), every: .milliseconds(50)) {
            try await cluster.events(of: session).turnsCompleted.count >= count
        }
        let stored = try await cluster.store.loadSession(session)
        let messages = try (stored?.messages ?? []).map { try Message(parsing: $0.body) }
        try require("the messages of \(session)", messages.map(\.role), equals: [.user, .assistant])
        for case .tool(let call) in messages[1].parts { return (messages[1], call) }
        throw Discrepancy("the answer in \(session)", expected: "a call of a tool", came: messages[1].text)
    }

    /// Says whether a call that waits for it may be made.
    private func decide(
        _ isApproved: Bool, about waiting: (answer: Message, call: ToolPart), in session: String, _ cluster: Cluster
    ) async throws {
        let approval: JSON = [
            "id": .string(waiting.call.approval?.id ?? ""), "approved": .bool(isApproved),
        ]
        let part: JSON = [
            "type": "tool-book", "toolCallId": .string(waiting.call.toolCallID), "state": "approval-responded",
            "approval": approval,
        ]
        let request: JSON = [
            "type": "message",
            "message": ["id": .string(waiting.answer.id), "role": "assistant", "parts": [part]],
        ]
        _ = try await cluster.produce(key: Array(session.utf8), value: request.serialized(), session: session)
    }

    @Test(
        "Its tool is carried out by the server, at once or once it is allowed to, and never if it is not",
        .timeLimit(.minutes(10)))
    func tools() async throws {
        try await withHotel("an agent of a file") { _ in
            .json(#"{"room": 12}"#)
        } _: { cluster, server in
            _ = try await cluster.send(book(nights: 2), to: "short")
            let short = try await call(in: "short", afterTurns: 1, cluster)
            try require("the short stay", short.call.output, equals: ["room": 12])
            try require("what is said of it", short.answer.text, equals: "One moment.Done.")
            let request = try #require(server.requests.first)
            try require("what the server was asked", request.body, equals: #"{"nights":2}"#)
            try require("by which call", request["Idempotency-Key"], equals: short.call.toolCallID)
            try require("with which key", request["Authorization"], equals: "Bearer key")
            try require("for which hotel", request["X-Hotel"], equals: "grand")

            for (session, isApproved) in [("refused", false), ("allowed", true)] {
                _ = try await cluster.send(book(nights: 9), to: session)
                let waiting = try await call(in: session, afterTurns: 1, cluster)
                try require("the long stay", waiting.call.state, equals: .approvalRequested)
                try require("requests before it is allowed", server.requests.count, equals: 1)
                try await decide(isApproved, about: waiting, in: session, cluster)
                let decided = try await call(in: session, afterTurns: 2, cluster)
                try require(
                    "the long stay, \(session)", decided.call.state,
                    equals: isApproved ? .outputAvailable : .outputDenied)
            }
            let allowed = try await call(in: "allowed", afterTurns: 2, cluster)
            try require("the allowed stay", allowed.call.output, equals: ["room": 12])
            try require("the whole answer", allowed.answer.text, equals: "One moment.Done.")
            try require("all requests", server.requests.count, equals: 2)
            try await cluster.events(of: "allowed").checkGapless()
        }
    }

    @Test("A tool that fails, and an input that does not fit, are told to the model", .timeLimit(.minutes(10)))
    func failures() async throws {
        try await withHotel("an agent whose tool fails") { _ in
            .json("no room left", status: 409)
        } _: { cluster, server in
            _ = try await cluster.send(book(nights: 1), to: "full")
            let full = try await call(in: "full", afterTurns: 1, cluster)
            try require(
                "the error", full.call.errorText, equals: "The tool book answered with status 409: no room left.")
            try require("what is said of it", full.answer.text, equals: "One moment.Done.")
            _ = try await cluster.send(book(nights: 0), to: "none")
            let none = try await call(in: "none", afterTurns: 1, cluster)
            try require("the state of a bad call", none.call.state, equals: .outputError)
            try require("requests", server.requests.count, equals: 1)
        }
    }

    @Test("A host that is started later serves the agent as its worker read it", .timeLimit(.minutes(10)))
    func restartedHost() async throws {
        try await withHotel("an agent's file that changes") { _ in
            .json("12")
        } _: { cluster, server in
            _ = try await cluster.send(book(nights: 1), to: "before")
            _ = try await call(in: "before", afterTurns: 1, cluster)
            try Data("name: [".utf8).write(to: URL(filePath: cluster.directory.path("agent.yaml")))
            try FileManager.default.removeItem(atPath: cluster.directory.path("hotel.txt"))
            _ = try await cluster.send("#script\ncrash SEGV upto 1\ntool book {\"nights\":2}\nsay Done.", to: "after")
            let after = try await call(in: "after", afterTurns: 1, cluster)
            try require("the stay", after.call.output, equals: 12)
            try require("for which hotel", server.requests.last?["X-Hotel"], equals: "grand")
            try require("runs", try await cluster.runs(of: "after").count, equals: 2)
        }
    }

    @Test("A long history is summarised by its model, with what the file keeps beside it", .timeLimit(.minutes(10)))
    func compaction() async throws {
        try await withCluster(.embedded, "an agent that summarises") { cluster in
            let path = cluster.directory.path("agent.yaml")
            let yaml = "system: Be kind.\ncompaction: {messages: 4, keep: 2}\n"
            try Data(yaml.utf8).write(to: URL(filePath: path))
            _ = try await cluster.startWorker("worker", ["--agent", path])
            for text in ["apples", "pears", "plums", "#script\nprompt"] {
                _ = try await cluster.send(text, to: "fruit")
            }
            try await eventually(timeout: .seconds(40), every: .milliseconds(50)) {
                try await cluster.events(of: "fruit").turnsCompleted.count == 4
            }
            let prompt = try await cluster.events(of: "fruit").answer(turn: 3).text.split(separator: "\n")
            try require(
                "who speaks in the prompt", prompt.map { $0.prefix { $0 != ":" } },
                equals: ["system", "user", "assistant", "user"])
            guard prompt[0].contains("Summarise the conversation"), prompt[1] == "user: plums" else {
                throw Discrepancy("the prompt", expected: "a summary and the last exchange", came: prompt)
            }
        }
    }

    @Test("config shows it without its secrets, and a mistake in it ends every command that needs it with status 2")
    func commands() async throws {
        try await withCluster(.embedded, "an agent's mistakes") { cluster in
            let path = cluster.directory.path("agent.yaml")
            let good = """
                name: concierge
                tools:
                - {name: t, description: d, input: true, http: {url: "http://h", headers: {K: "${KEY}"}}}
                """
            try Data(good.utf8).write(to: URL(filePath: path))
            let variables = ["CARRYON_AGENT": path, "KEY": "hidden"]
            let shown = try await cluster.run(["config", "--json"], variables: variables)
            let values = try JSON(parsing: shown.outputText)
            let name: JSON = ["value": "concierge", "source": .string(path)]
            try require("the agent's name", values["agent.name"], equals: name)
            guard values["agent.tools.t"]?["value"]?.stringValue?.hasPrefix("POST http://h, K: ••••") == true,
                !shown.outputText.contains("hidden")
            else { throw Discrepancy("the tool", expected: "it without its secret", came: shown.outputText) }

            for command in ["config", "work"] {
                let unset = try await cluster.run([command], variables: ["CARRYON_AGENT": path])
                try require("carryon \(command)'s ending", unset.ending, equals: .exited(2))
                guard unset.errorText.contains("tools[0].http.headers.K (\(path):3:79)") else {
                    throw Discrepancy("the mistake", expected: "its place", came: unset.errorText)
                }
            }
            let unaffected = try await cluster.run(["--version"], variables: ["CARRYON_AGENT": path])
            try require("carryon --version's ending", unaffected.ending, equals: .done)
        }
    }
}
