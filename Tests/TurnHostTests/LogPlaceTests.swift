import ChatAgent
import Conversation
import Logging
import Telemetry
import Testing
import TurnHost

@Suite("Where log lines are written")
struct LogPlaceTests {
    private struct Refusal: Error {}

    @Test("Each line of two sessions' turns at once has its own session, request, turn and run")
    func interleaved() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent(
            onComplete: { _ in throw Refusal() },
            answer: { turn in
                for _ in 0..<5 {
                    try await turn.say("word")
                    await Task.yield()
                }
            })
        try await conductor.start(agent)
        var offsets: [String: [Int64]] = [:]
        for index in 0..<10 {
            for session in ["alice", "bob"] {
                let offset = conductor.say("m\(index)", to: session, id: "u\(session)\(index)")
                offsets[session, default: []].append(offset)
            }
        }
        try await conductor.finish()
        try await waitFor { conductor.words.all.count == 20 }
        for session in ["alice", "bob"] {
            let lines = conductor.words.all.filter { $0.place?.conversationID == session }
            #expect(lines.count == 10)
            #expect(lines.compactMap { $0.place?.request?.offset } == offsets[session])
            #expect(lines.allSatisfy { $0.place?.request?.partition == 0 })
            #expect(lines.map { $0.run?.turn } == Array(0..<10))
            #expect(lines.allSatisfy { $0.run?.run == 1 })
        }
    }

    @Test("What is said of a turn by what watches over all of them has that turn's place, and not the first one's")
    func watched() async throws {
        let clock = HandClock()
        let conductor = try Conductor(sleeping: clock) { options in
            options.flushWindow = .zero
            options.turnTimeout = .seconds(60)
        }
        let agent = RecordingAgent(answer: { turn in
            if turn.identity.session == "bob" { try await Task.sleep(for: .seconds(3600)) }
        })
        try await conductor.start(agent)
        // The timer is begun by the first turn that there is.
        conductor.say("short", to: "alice", id: "u1")
        conductor.say("long", to: "bob", id: "u2")
        try await waitFor { clock.sleeping == 1 && conductor.settledOffsets == [0] }
        clock.advance(by: .seconds(61))
        try await conductor.finish()
        let line = try #require(conductor.words.all.first { $0.message.contains("too long") })
        #expect(line.place == nil)
        let metadata = line.metadata.mapValues { "\($0)" }
        #expect(metadata["gen_ai.conversation.id"] == "bob")
        #expect(metadata["turn"] == "0")
        #expect(metadata["run"] == "1")
        #expect(metadata["partition"] == "0")
        #expect(metadata["offset"] == "1")
    }
}
