import AsyncHTTPClient
import Conversation
import Foundation
import HTTPTestServer
import NIOCore
import NIOHTTP1
import TestSupport

/// A gateway as another process, and what its users do.
struct GatewayClient: Sendable {
    let port: UInt16
    var url: String { "http://127.0.0.1:\(port)" }

    /// Starts a gateway and waits until it answers.
    static func start(
        _ cluster: Cluster, name: String, port: UInt16? = nil, _ flags: [String] = []
    ) async throws -> (Self, CarryonProcess) {
        let port = try port ?? LoopbackSocket.freePort()
        let process = try await cluster.start(
            ["gateway"] + flags, name: name, variables: ["CARRYON_GATEWAY_ADDRESS": "127.0.0.1:\(port)"])
        let client = GatewayClient(port: port)
        try await eventually(timeout: .seconds(30), every: .milliseconds(20)) {
            (try? await client.ask("GET", "/readyz").status) == 200
        }
        return (client, process)
    }

    func ask(
        _ method: String, _ path: String, _ body: JSON? = nil, headers: [(String, String)] = []
    ) async throws -> (status: UInt, body: JSON) {
        var request = HTTPClientRequest(url: url + path)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        request.method = .init(rawValue: method)
        if let body { request.body = .bytes(ByteBuffer(bytes: body.serialized())) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 16 << 20)
        return (
            response.status.code, bytes.readableBytes == 0 ? .null : try JSON(parsing: Array(bytes.readableBytesView))
        )
    }

    /// Sends a user's message.
    func send(_ text: String, to session: String) async throws {
        let (status, body) = try await ask("POST", "/v1/sessions/\(session)/messages", ["text": .string(text)])
        guard status == 202 else { throw Discrepancy("a message's status", expected: 202, came: "\(status) \(body)") }
    }
}

/// A reader that comes back, for as long as it takes.
actor ReturningReader {
    private(set) var events: [ServerSentEvent] = []
    private(set) var connections = 0

    /// The number of events read.
    var count: Int { events.count }

    /// Reads until the turn is complete. Leaves of itself after a random number of events, and returns whenever the
    /// connection breaks.
    func read(_ gateway: GatewayClient, _ session: String, until turn: Int = 0, seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let client = EventStreamClient()
        while !Task.isCancelled {
            let patience = Int.random(in: 1...40, using: &random)
            var seen = 0
            let position = events.last?.id.map { [("Last-Event-ID", "\($0)")] } ?? []
            connections += 1
            do {
                _ = try await client.read("\(gateway.url)/v1/sessions/\(session)/events", headers: position) { event in
                    events.append(event)
                    seen += 1
                    return seen < patience && !Self.completes(event, turn)
                }
            } catch is CancellationError {
                return
            } catch {
                // The gateway is away: soon it is not.
                try await Task.sleep(for: .milliseconds(50))
            }
            if let last = events.last, Self.completes(last, turn) { return }
        }
    }

    private static func completes(_ event: ServerSentEvent, _ turn: Int) -> Bool {
        event.event == "turn-complete" && (try? JSON(parsing: event.data))?["turn"]?.int == turn
    }

    /// What the reader has of the answers.
    func text() throws -> String {
        var text = ""
        for event in events where event.event == "chunk" {
            if case .textDelta(let delta) = try Chunk(parsing: Array(event.data.utf8)) { text += delta.delta }
        }
        return text
    }
}
