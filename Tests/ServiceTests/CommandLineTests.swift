import Conversation
import Foundation
import TestSupport
import Testing

extension Tag {
    @Tag static var slow: Self
}

@Suite("The command line")
struct CommandLineTests {
    @Test("send, tail and sessions print what the protocol says", .timeLimit(.minutes(10)))
    func shapes() async throws {
        try await withCluster(.embedded, "shapes") { cluster in
            _ = try await cluster.startWorker("worker")
            let sent = try await object(
                cluster, ["send", "alice", "--json"], input: #"{"type":"message","text":"hello","id":"first"}"#)
            try require("send's members", sent.names.sorted(), equals: ["offset", "partition", "requestId"])
            try require("the request's id", sent["requestId"]?.stringValue, equals: "first")
            let unnamed = try await object(
                cluster, ["send", "alice", "--json"], input: #"{"type":"message","text":"b"}"#)
            let place = "\(unnamed["partition"]?.int ?? -1)-\(unnamed["offset"]?.int ?? -1)"
            try require("the id of a request without one", unnamed["requestId"]?.stringValue, equals: place)

            let tail = try await done(cluster, ["tail", "alice", "--json"])
            let lines = try tail.split(separator: "\n").map { try JSON(parsing: String($0)).objectValue ?? [:] }
            try require("tail's seqs", lines.map { $0["seq"]?.int ?? 0 }, equals: Array(1...lines.count))
            for line in lines where !Set(line.names).isSubset(of: ["seq", "turn", "run", "control", "value"]) {
                throw Discrepancy("tail's members", expected: "seq, turn, run, control and value", came: line.names)
            }
            try require(
                "tail's turn-complete records", lines.count { $0["control"]?.stringValue == "turn-complete" }, equals: 2
            )
            let rest = try await done(cluster, ["tail", "alice", "--json", "--after", "\(lines.count - 1)"])
            try require("tail after the last but one", rest.split(separator: "\n").count, equals: 1)

            let session = try await object(cluster, ["sessions", "show", "alice", "--json"])
            try require(
                "the transcript's members", session.names.sorted(),
                equals: ["id", "messages", "nextSeq", "pending", "positions", "turns"])
            try require("turns", session["turns"]?.int, equals: 2)
            try require("nextSeq", session["nextSeq"]?.int, equals: lines.count + 1)
            try require("messages", session["messages"]?.arrayValue?.count, equals: 4)
        }
    }

    @Test(
        "S93: tail reads on to the end of the request that it is asked for; a call of a tool is answered from here",
        .timeLimit(.minutes(10)))
    func toolAnswer() async throws {
        try await withCluster(.embedded, "tool-answer") { cluster in
            _ = try await cluster.startWorker("worker")
            let script = ##"{"type":"message","text":"#script\ntool ask {}\nsay thank you","id":"asks"}"##
            _ = try await object(cluster, ["send", "alice", "--json"], input: #"{"type":"message","text":"a"}"#)
            _ = try await object(cluster, ["send", "alice", "--json"], input: script)
            let tail = try await done(cluster, ["tail", "alice", "--json", "--request", "asks"])
            try require("turns told", tail.split(separator: "\n").count { $0.contains("turn-complete") }, equals: 2)

            let waiting = try await object(cluster, ["sessions", "show", "alice", "--json"])
            let call = waiting["pending"]?.arrayValue?.first?.objectValue ?? [:]
            try require("what waits", call["toolName"]?.stringValue, equals: "ask")
            let id = call["toolCallId"]?.stringValue ?? ""
            _ = try await done(cluster, ["send", "alice", "--answer", id, "--output", #"{"yes":true}"#])
            let answered = try await done(cluster, ["tail", "alice"])
            guard answered.contains("thank you") else {
                throw Discrepancy("the answer's end", expected: "'thank you' in it", came: answered)
            }
            let session = try await object(cluster, ["sessions", "show", "alice", "--json"])
            try require("what waits afterwards", session["pending"]?.arrayValue?.count, equals: 0)
            try require("messages", session["messages"]?.arrayValue?.count, equals: 4)
            try await expect(cluster, ["send", "alice", "--answer", id], .exited(2), "--output")
            try await expect(cluster, ["send", "alice", "hi", "--approve", id], .exited(2), "exclude each other")
        }
    }

    @Test("The exit status tells done, failed, wrong usage and broker or store away apart", .timeLimit(.minutes(10)))
    func exitStatus() async throws {
        try await withCluster(.embedded, "exit status") { cluster in
            try await expect(cluster, ["--version"], .done, "0.1.0")
            try await expect(cluster, ["config"], .done, "CARRYON_GROUP_ID")
            try await expect(cluster, ["sessions", "show", "nobody"], .exited(1), "nobody")
            try await expect(cluster, ["send"], .exited(2), "id")
            try await expect(
                cluster, ["config", "--config", "/nowhere/c.yaml"], .exited(2), "no such file or directory")
            try await expect(cluster, ["send", "a\u{7}b", "hello"], .exited(2), "session id")
            try await expect(cluster, ["config", "--no-such-setting", "1"], .exited(2), "--no-such-setting")
            try await expect(cluster, ["config", "--hosts", "many"], .exited(2), "--hosts")
            try await expect(
                cluster, ["config"], .exited(2), "CARRYON_NO_SUCH", variables: ["CARRYON_NO_SUCH": "1"])
            try await expect(
                cluster, ["sessions", "list"], .exited(69), "store", variables: ["CARRYON_STORE": "sqlite:none.sqlite"])
            try await expect(
                cluster, ["dead-letters", "redrive", "--every"], .exited(69), "store",
                variables: ["CARRYON_STORE": "sqlite:none.sqlite"])
            try await expect(
                cluster, ["send", "alice", "hello"], .exited(69), "",
                variables: [
                    // Nobody listens there.
                    "CARRYON_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "CARRYON_KAFKA_MESSAGE_TIMEOUT_MS": "1500",
                ])
        }
    }

    @Test("tail says that there is nothing of a session yet, and goes on waiting for it", .timeLimit(.minutes(10)))
    func nothingToTail() async throws {
        try await withCluster(.embedded, "nothing to tail") { cluster in
            let tail = try await cluster.start(["tail", "nobody"], name: "tail")
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                tail.errorText.contains("has no events of 'nobody' yet")
            }
            _ = try await cluster.startWorker("worker", ["--hosts", "1"])
            _ = try await cluster.send("hello", to: "nobody")
            try require("the end of tail", try await tail.end(within: .seconds(60)), equals: .done)
            try require("what came", tail.outputText.contains("You said: hello"), equals: true)
        }
    }

    @Test("config --json prints every setting in force with its source", .timeLimit(.minutes(10)))
    func configuration() async throws {
        try await withCluster(.embedded, "configuration") { cluster in
            let output = try await done(cluster, ["config", "--json", "--region", "EU-west"])
            let settings = try JSON(parsing: output)
            let region: JSON = ["value": "eu-west", "source": "flag"]
            try require("the region", settings["CARRYON_REGION"], equals: region)
            let group: JSON = ["value": .string(cluster.name), "source": "environment"]
            try require("the group", settings["CARRYON_GROUP_ID"], equals: group)
            let drain: JSON = ["value": "20s", "source": "default"]
            try require("the drain timeout", settings["CARRYON_DRAIN_TIMEOUT"], equals: drain)
        }
    }

    @Test("carryon dev --demo ends well", .tags(.slow), .timeLimit(.minutes(10)))
    func demonstration() async throws {
        try await Slots.clusters.with {
            let directory = try TemporaryDirectory(prefix: "carryon-demo-test")
            let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARRYON_") }
            let process = try await CarryonProcess.start(
                ["dev", "--demo"], name: "demo", environment: environment, directory: directory.url)
            let ending = try await process.end(within: .seconds(150))
            #expect(ending == .done, "\(process.outputText.suffix(2_000))\n\(process.lastWords())")
        }
    }

    private func expect(
        _ cluster: Cluster, _ arguments: [String], _ ending: ProcessEnding, _ text: String,
        variables: [String: String] = [:]
    ) async throws {
        let process = try await cluster.run(arguments, variables: variables)
        let command = "carryon \(arguments.joined(separator: " "))"
        guard process.ending == ending else {
            throw Discrepancy(command, expected: ending, came: "\(process.ending as Any): \(process.errorText)")
        }
        let said = process.outputText + process.errorText
        guard text.isEmpty || said.contains(text) else {
            throw Discrepancy("what \(command) says", expected: "'\(text)' in it", came: said)
        }
    }

    private func done(_ cluster: Cluster, _ arguments: [String], input: String? = nil) async throws -> String {
        let process = try await cluster.run(arguments, input: input)
        guard process.ending == .done else {
            throw Discrepancy(
                "carryon \(arguments.joined(separator: " "))", expected: ProcessEnding.done,
                came: "\(process.ending as Any): \(process.errorText)")
        }
        return process.outputText
    }

    private func object(
        _ cluster: Cluster, _ arguments: [String], input: String? = nil
    ) async throws -> JSONObject {
        try JSON(parsing: try await done(cluster, arguments, input: input)).objectValue ?? [:]
    }
}
