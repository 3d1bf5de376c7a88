import Conversation
import Foundation
import HTTPTestServer
import SessionStore
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite("Streams of events")
struct EventStreamTests {
    @Test("A session that there is nothing of yet is followed wherever its first event comes")
    func unknownSession() async throws {
        try await EventServer.serving { server in
            let reading = Task { try await Self.read(server, "new", count: 3) }
            try await Self.waitForReaders(server, 1)
            try await server.write(EventServer.words("new", 1...3), partition: 0)
            let events = try await within(.seconds(20)) { try await reading.value }
            #expect(events.map(\.id) == [1, 2, 3])
            #expect(events.map(\.event) == ["chunk", "chunk", "chunk"])
            #expect(events.first?.data == #"{"type":"text-delta","id":"t1","delta":" 1"}"#)
        }
    }

    @Test("A reader resumes after any seq, within the turn that runs and before it, and thousands cost one read")
    func resume() async throws {
        try await EventServer.serving { server in
            try await Self.store(server, turns: 3, events: 10)
            try await server.write(EventServer.words("s", 1...30))
            for after in [29, 25, 20, 19, 11, 1, 0] as [Int64] {
                let events = try await Self.read(server, "s", after: after, count: Int(30 - after))
                #expect(events.map(\.id) == ((after + 1)...30).map { $0 }, "after \(after)")
            }
        }
    }

    @Test("What the topic no longer has is told from the store, in so many words")
    func transcript() async throws {
        try await EventServer.serving { server in
            try await Self.store(server, turns: 3, events: 10)
            // Of the first turn nothing is left, of the second one the end.
            try await server.write(EventServer.words("s", 15...30))
            let events = try await Self.read(server, "s", after: 4, count: 17)
            #expect(events.map(\.id) == (14...30).map { $0 })
            let first = try #require(events.first)
            #expect(first.event == "transcript")
            let told = try JSON(parsing: first.data)
            #expect(told["fromSeq"]?.int == 5)
            #expect(told["toSeq"]?.int == 14)
            #expect(told["reason"]?.stringValue?.contains("no longer") == true)
            #expect(told["messages"]?.arrayValue?.compactMap { $0["id"]?.stringValue }.contains("a0") == true)
        }
    }

    @Test("Nothing left on the topic at all is told from the store too")
    func nothingLeft() async throws {
        try await EventServer.serving { server in
            try await Self.store(server, turns: 2, events: 10)
            let events = try await Self.read(server, "s", count: 1)
            #expect(events.map(\.event) == ["transcript"])
            #expect(events.map(\.id) == [20])
        }
    }

    @Test("A quiet stream gives a sign of life, and one that is open is counted")
    func heartbeat() async throws {
        try await EventServer.serving({ $0.heartbeat = .milliseconds(700) }) { server in
            let bytes = Mutex("")
            let connection = try await RawConnection.open(server.port, Self.stream) { text in
                bytes.withLock { $0 += text }
            }
            try await eventually(timeout: .seconds(10)) {
                bytes.withLock { $0.components(separatedBy: ": still here").count > 2 }
            }
            try await Self.waitForReaders(server, 1)
            try await connection.close()
            try await Self.waitForReaders(server, 0)
        }
    }

    @Test("A reader that does not read is cut off, and slows no other")
    func slowReader() async throws {
        try await EventServer.serving({ options in
            options.ringBytes = 256 << 10
            options.readerTimeout = .seconds(2)
        }) { server in
            let slow = try IdleSocket(port: server.port, Self.stream)
            defer { slow.close() }
            try await Self.flood(server, beside: slow) {
                try await Self.status(server)["readers"]?.int == 1
            }
        }
    }

    @Test("A slow reader that reads after all finds a last event that says why it is the last")
    func laggedReader() async throws {
        try await EventServer.serving({ options in
            options.ringBytes = 256 << 10
            options.readerTimeout = .seconds(600)
        }) { server in
            let slow = try IdleSocket(port: server.port, Self.stream)
            defer { slow.close() }
            let since = ContinuousClock.now
            // Longer than a reader may take for a piece that is not slow.
            try await Self.flood(server, beside: slow) { ContinuousClock.now - since > .seconds(4) }
            let last = try await within(.seconds(30)) { await slow.readToEnd() }
            #expect(
                last.contains("event: error\ndata: {\"error\":{\"code\":\"reader_too_slow\""), "\(last.suffix(300))")
        }
    }

    // MARK: Support

    /// Writes far more than sockets and ring hold, no faster than another reader takes it, and on until `isEnough`. That
    /// reader has every event.
    private static func flood(
        _ server: EventServer, beside slow: IdleSocket, until isEnough: () async throws -> Bool
    ) async throws {
        let count = Mutex(0)
        let quick = Task {
            _ = try await EventStreamClient().read("\(server.url)/v1/sessions/s/events") { event in
                let isNext = count.withLock { count in
                    count += 1
                    return event.id == Int64(count)
                }
                #expect(isNext, "\(event.id ?? -1) at \(count.withLock { $0 })")
                return isNext
            }
        }
        defer { quick.cancel() }
        try await waitForReaders(server, 2)
        var written: Int64 = 0
        let deadline = ContinuousClock.now + .seconds(40)
        while true {
            guard ContinuousClock.now < deadline else {
                Issue.record("expected the slow reader's end within 40 s, but it is still there")
                return
            }
            // A piece of the ring at a time.
            try await server.write(EventServer.words("s", (written + 1)...(written + 40), padding: 4_000))
            written += 40
            let wanted = Int(written)
            try await eventually(timeout: .seconds(20)) { count.withLock { $0 } >= wanted }
            if written > 3_000, try await isEnough() { return }
        }
    }

    private static let stream = "GET /v1/sessions/s/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"

    private static func read(
        _ server: EventServer, _ session: String, after: Int64? = nil, count: Int
    ) async throws -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        let query = after.map { "?after=\($0)" } ?? ""
        _ = try await EventStreamClient().read("\(server.url)/v1/sessions/\(session)/events\(query)") { event in
            events.append(event)
            return events.count < count
        }
        return events
    }

    private static func status(_ server: EventServer) async throws -> JSON {
        let (_, body) = try await RawConnection.ask(server.port, "/status")
        return try JSON(parsing: body)
    }

    private static func waitForReaders(_ server: EventServer, _ count: Int) async throws {
        try await eventually(timeout: .seconds(20)) { try await status(server)["readers"]?.int == count }
    }

    /// Puts turns on record, each of so many events, that begin at the topic's begin.
    private static func store(_ server: EventServer, turns: Int, events: Int64) async throws {
        let worker = try await StoredTurns.take(server.store, session: "s")
        for turn in 0..<turns { try await worker.settle(turn: turn, events: events) }
    }
}
