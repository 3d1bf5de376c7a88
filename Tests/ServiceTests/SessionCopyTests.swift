import Conversation
import SessionStore
import TestSupport
import Testing

@testable import CarryonService

@Suite("Copies of sessions")
struct SessionCopyTests {
    private static func message(_ id: String, _ role: Role, turn: Int) -> StoredMessage {
        let message = Message(id: id, role: role, parts: [.text(TextPart("words of \(id) \"é\"\n"))])
        return StoredMessage(id: id, role: role.rawValue, turn: turn, body: message.serialized())
    }

    private static let example = SessionCopy(
        id: "a b", turns: 3, isClosed: true, updatedAt: 1_700_000_000_123,
        state: Array(#"{"locals":{"n":1},"summary":{"text":"s","through":"a1"}}"#.utf8),
        messages: (0..<3).flatMap { turn in
            [message("q\(turn)", .user, turn: turn), message("a\(turn)", .assistant, turn: turn)]
        })

    @Test("What was exported is read again as it was")
    func lines() throws {
        let lines = try Self.example.lines()
        #expect(lines.count == 7)
        let read = try SessionCopy(lines: lines.joined(separator: "\n\n").split(separator: "\n"))
        #expect(read == Self.example)
    }

    @Test(
        "Lines that are none of a session's are refused by their number",
        arguments: [
            ([], "nothing"), (["{"], "line 1"), ([#"{"type":"message"}"#], "line 1"), (["HEAD", "[]"], "line 2"),
            (["HEAD", #"{"type":"message","turn":0,"message":{}}"#], "line 2"), (["HEAD"], "6 messages"),
        ] as [([String], String)])
    func refusals(_ lines: [String], _ expected: String) throws {
        let head = try Self.example.lines()[0]
        let error = #expect(throws: CommandFailure.self) {
            try SessionCopy(lines: lines.map { Substring($0 == "HEAD" ? head : $0) })
        }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "no error")")
    }

    @Test("An earlier turn has what was said up to then, and no summary of what came later")
    func earlier() throws {
        let first = try Self.example.at(turn: 0)
        #expect(first.messages.map(\.id) == ["q0", "a0"])
        #expect(first.turns == 1)
        #expect(!first.isClosed)
        #expect(first.state == Array(#"{"locals":{"n":1}}"#.utf8))
        let second = try Self.example.at(turn: 1)
        #expect(second.state == Self.example.state)
        #expect(try Self.example.at(turn: 2) == Self.example)
        for turn in [-1, 3] {
            let error = #expect(throws: CommandFailure.self) { try Self.example.at(turn: turn) }
            #expect(error?.message.contains("0 to 2") == true)
        }
    }

    @Test("A fork and an import go on by themselves, with events of their own", .timeLimit(.minutes(10)))
    func forks() async throws {
        try await withCluster(.embedded, "copies") { cluster in
            _ = try await cluster.startWorker("worker", ["--hosts", "1"])
            func ask(_ session: String, _ text: String) async throws {
                let sent = try await cluster.send(text, to: session)
                try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                    try await cluster.store.loadSession(session)?.hasSettled(sent) == true
                }
            }
            func texts(_ arguments: [String]) async throws -> String {
                let process = try await cluster.run(arguments)
                try require("the end of \(arguments)", process.ending, equals: .done)
                return process.outputText
            }
            for word in ["one", "two", "three"] { try await ask("alice", word) }
            let shown = try await texts(["sessions", "show", "alice", "--at", "0"])
            try require("what turn 0 has left", shown.split(separator: "\n").count, equals: 2)
            _ = try await texts(["sessions", "fork", "alice", "--at", "1", "--as", "bob"])
            let lines = try await texts(["sessions", "export", "alice"])
            let imported = try await cluster.run(["sessions", "import", "--as", "carol"], input: lines)
            try require("the import", imported.ending, equals: .done)
            let again = try await cluster.run(["sessions", "fork", "alice", "--as", "bob"])
            try require("a second fork of the name", again.ending, equals: .exited(1))
            // What the model is given is what was copied, and the new question.
            for (session, count) in [("bob", 5), ("carol", 7), ("alice", 7)] {
                try await ask(session, "and now?")
                let last = try await cluster.store.loadSession(session)?.messages.last
                let text = try last.map { try Message(parsing: $0.body).text } ?? ""
                try require(
                    "what \(session) answers", text.contains("holds \(count) messages"), equals: true)
            }
            let events = try await cluster.events(of: "bob")
            try events.checkGapless()
            try require("bob's turns", events.turnsCompleted.map(\.turn), equals: [2])
        }
    }

    @Test(
        "What is erased is gone, a turn that runs settles nothing of it, and the session stays closed",
        .timeLimit(.minutes(10)))
    func erasure() async throws {
        try await withCluster(.embedded, "erasure") { cluster in
            _ = try await cluster.startWorker("worker", ["--hosts", "1"])
            let first = try await cluster.send("my secret", to: "alice")
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.store.loadSession("alice")?.hasSettled(first) == true
            }
            let second = try await cluster.send(Counting.program(to: 300, every: "50ms"), to: "alice")
            try await cluster.waitForText(of: "alice", turn: 1)
            // A branch as 'replay again' makes one, a copy of another name, and somebody else's.
            for copy in ["alice.branch-1700000000", "alice.branch-x", "alicia"] {
                let fork = try await cluster.run(["sessions", "fork", "alice", "--at", "0", "--as", copy])
                try require("the fork's end: \(fork.errorText)", fork.ending, equals: .done)
            }
            let dry = try await cluster.run(["sessions", "erase", "alice"])
            try require("the dry run", dry.outputText.contains("Nothing was changed"), equals: true)
            try require("messages after it", try await cluster.store.loadSession("alice")?.messages.count, equals: 2)
            let done = try await cluster.run(["sessions", "erase", "alice", "--apply"])
            try require("the erasure's end", done.ending, equals: .done)
            try require("what it says", done.outputText.contains("A turn of it runs"), equals: true)
            let third = try await cluster.send("anybody there?", to: "alice")
            for sent in [second, third] {
                try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                    try await cluster.store.loadSession("alice")?.hasSettled(sent) == true
                }
            }
            let stored = try #require(try await cluster.store.loadSession("alice"))
            try require("messages", stored.messages.count, equals: 0)
            try require("closed", stored.isClosed, equals: true)
            for (copy, count) in [("alice.branch-1700000000", 0), ("alice.branch-x", 2), ("alicia", 2)] {
                let messages = try await cluster.store.loadSession(copy)?.messages.count
                try require("messages of \(copy)", messages, equals: count)
            }
            for place in [cluster.eventsTopic, cluster.deadLettersTopic, "replay-NAME", "sessions fork", "backups"] {
                try require("\(place) in: \(done.outputText)", done.outputText.contains(place), equals: true)
            }
            let verified = try await cluster.run(["verify"])
            try require("what is built again: \(verified.outputText)", verified.ending, equals: .done)
            let unknown = try await cluster.run(["sessions", "erase", "nobody", "--apply"])
            try require("of a session that is not there", unknown.ending, equals: .exited(1))
        }
    }
}
