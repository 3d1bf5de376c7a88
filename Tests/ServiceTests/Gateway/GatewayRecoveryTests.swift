import Conversation
import Foundation
import HTTPTestServer
import SessionStore
import TestSupport
import Testing

@Suite("Readers of the gateway", .enabled(if: Tansu.isAvailable))
struct GatewayRecoveryTests {
    @Test(
        "An answer is read whole, in order and once over the worker's death, the gateway's and random reconnects",
        .timeLimit(.minutes(10)))
    func deaths() async throws {
        let seed = testSeed()
        try await withCluster(.tansu, "gateway deaths, seed \(seed)") { cluster in
            let first = try await cluster.startWorker("worker-1")
            let (gateway, process) = try await GatewayClient.start(cluster, name: "gateway-1")
            try await gateway.send(Counting.program(to: 150, every: "60ms"), to: "s")
            let reader = ReturningReader()
            let reading = Task { try await reader.read(gateway, "s", seed: seed) }
            defer { reading.cancel() }
            try await waitFor(reader, events: 20)
            first.signal(SIGKILL)
            _ = try await cluster.startWorker("worker-2")
            try await waitFor(reader, events: 40)
            process.signal(SIGKILL)
            _ = try await process.end(within: .seconds(10))
            _ = try await GatewayClient.start(cluster, name: "gateway-2", port: gateway.port)
            try await within(.seconds(90)) { try await reading.value }
            let events = await reader.events
            try require("the ids", events.map(\.id), equals: (1...Int64(events.count)).map { $0 })
            try require("the text", try await reader.text(), equals: Counting.answer(to: 150))
            try require("the recoveries told", events.filter { $0.event == "recovered" }.count, equals: 1)
            let connections = await reader.connections
            guard connections > 4 else {
                throw Discrepancy("the reader's connections", expected: "many", came: connections)
            }
            let (status, session) = try await gateway.ask("GET", "/v1/sessions/s/messages")
            try require("the transcript's status", status, equals: 200)
            try require("the messages", session["messages"]?.arrayValue?.count, equals: 2)
        }
    }

    @Test("A client that vanishes takes nothing with it: the turn goes on, and the next reader has all of it")
    func vanished() async throws {
        try await withCluster(.embedded, "vanished reader") { cluster in
            _ = try await cluster.startWorker("worker")
            let (gateway, _) = try await GatewayClient.start(cluster, name: "gateway")
            let chat: JSON = [
                "id": "s",
                "messages": [
                    [
                        "id": "m1", "role": "user",
                        "parts": [["type": "text", "text": .string(Counting.program(to: 40, every: "50ms"))]],
                    ]
                ],
            ]
            var seen = 0
            let ending = try await EventStreamClient().read("\(gateway.url)/v1/chat", post: chat.serializedString) {
                _ in
                seen += 1
                return seen < 5
            }
            try require("the end of the first stream", ending, equals: .left)
            // The AI SDK's client comes back for an answer in progress.
            var text = ""
            var last = ""
            _ = try await EventStreamClient().read("\(gateway.url)/v1/chat/s/stream") { event in
                last = event.data
                if let chunk = try? Chunk(parsing: Array(event.data.utf8)), case .textDelta(let delta) = chunk {
                    text += delta.delta
                }
                return true
            }
            try require("the resumed answer", text, equals: Counting.answer(to: 40))
            try require("the last words", last, equals: "[DONE]")
            try await eventually(timeout: .seconds(20)) { try await cluster.store.sessionHead("s")?.turns == 1 }
            let (status, _) = try await gateway.ask("GET", "/v1/chat/s/stream")
            try require("the status when nothing is in progress", status, equals: 204)
            try await cluster.checkConversation(
                "s",
                [ExpectedTurn(question: Counting.program(to: 40, every: "50ms"), answer: Counting.answer(to: 40))])
        }
    }

    @Test("A drain ends the readers' streams, and the gateway with status 0")
    func drain() async throws {
        try await withCluster(.embedded, "gateway drain") { cluster in
            let (gateway, process) = try await GatewayClient.start(cluster, name: "gateway")
            let connected = Task {
                try await EventStreamClient().read("\(gateway.url)/v1/sessions/nobody/events") { _ in true }
            }
            try await eventually(timeout: .seconds(10)) {
                let (_, body) = try await gateway.ask("GET", "/status")
                return body["readers"]?.int == 1
            }
            process.signal(SIGTERM)
            try require("the stream's end", try await within(.seconds(10)) { try await connected.value }, equals: .over)
            let ending = try await process.end(within: .seconds(10))
            try require("the gateway's end", ending, equals: .done)
        }
    }

    private func waitFor(_ reader: ReturningReader, events: Int) async throws {
        do {
            try await eventually(timeout: .seconds(60)) { await reader.count >= events }
        } catch is NeverHappened {
            throw Discrepancy("the reader's events", expected: "\(events) and more", came: await reader.count)
        }
    }
}
