import Conversation
import Foundation
import Kafka
import SessionStore
import TestSupport
import Testing
import TurnHost

@Suite("carryon dead-letters", .enabled(if: Tansu.isAvailable))
struct DeadLetterCommandTests {
    /// Kills its host in the first run of every turn that it is asked in.
    private static let fatal = "#script\ntokens 5 10ms\ncrash SEGV upto 1\ntokens 5 10ms"
    /// The answer to it, whose second half a second run says.
    private static let answer = Counting.answer(to: 5) + Counting.answer(to: 5)

    @Test(
        "An undecodable record is listed, shown, left out, sent again by name, comes back, and is discarded",
        .timeLimit(.minutes(10)))
    func undecodable() async throws {
        try await withCluster(.tansu, "undecodable letters") { cluster in
            _ = try await cluster.startWorker("worker")
            let headers = [KafkaHeader("trace", "t")]
            let key = Array("alice".utf8)
            let sent = try await cluster.produce(
                key: key, value: Array(#"{"type":"dance"}"#.utf8), headers: headers, session: "alice")
            _ = try await cluster.produce(key: nil, value: [0xFF, 0x1B, 0x00], partition: 1)
            try await waitForLetters(cluster, 2)

            let listed = try await lines(cluster, ["list"])
            try require("the causes listed", listed.map { $0["cause"] }, equals: ["undecodable", "undecodable"])
            let id = try letter(in: listed, of: "alice")
            let shown = try await lines(cluster, ["show", id])[0]
            try require("the record shown", shown["record"]?["value"], equals: ["type": "dance"])
            try require("the code shown", shown["code"]?.stringValue, equals: "unknown_type")
            let text = try await command(cluster, ["show", id], .done).outputText
            for words in ["unknown_type", #""type": "dance""#, "trace", "offset \(sent.offset)"] {
                guard text.contains(words) else { throw Discrepancy("show", expected: words, came: text) }
            }
            let binary = try letter(in: listed, of: nil)
            guard try await command(cluster, ["show", binary], .done).outputText.contains("ff 1b 00") else {
                throw Discrepancy("the bytes of a record that is no text", expected: "ff 1b 00", came: "other")
            }

            let all = try await lines(cluster, ["redrive", "--every", "--apply"], .exited(1))
            try require("why all are left out", all.map { $0["code"] }, equals: ["undecodable", "undecodable"])
            _ = try await lines(cluster, ["redrive", id])
            try await waitForLetters(cluster, 2)
            let done = try await lines(cluster, ["redrive", id, "--apply"])
            try require("what was done", done.map { $0["action"]?.stringValue }, equals: ["sent"])
            // The letter, the note that it was sent again, and what came of that; and the other one.
            try await waitForLetters(cluster, 4)
            let open = try await lines(cluster, ["list", "--session", "alice"])
            try require("how often it was sent again", open.map { $0["redrives"]?.int }, equals: [1])
            let records = try await cluster.records(on: cluster.requestsTopic, partitions: cluster.partitions)
            let again = records.filter { $0.key == key }
            try require("the record's value", again.map(\.value), equals: Array(repeating: again[0].value, count: 2))
            try require("the record's partition", again[1].partition, equals: again[0].partition)
            try require("its headers", Array(again[1].headers.prefix(1)), equals: headers)

            _ = try await command(cluster, ["discard", "--every", "--apply"], .exited(2))
            _ = try await lines(cluster, ["discard", "--every", "--reason", "noise"])
            try require("letters after a dry run", try await lines(cluster, ["list"]).count, equals: 2)
            let discarded = try await lines(cluster, ["discard", "--every", "--reason", "noise", "--apply"])
            try require("letters discarded", discarded.count, equals: 2)
            try require("letters left", try await lines(cluster, ["list"]).count, equals: 0)
            let states = try await lines(cluster, ["list", "--all"]).compactMap { $0["state"]?.stringValue }
            try require("all letters' states", states.sorted(), equals: ["discarded", "discarded", "redriven"])
            let late = try await lines(cluster, ["redrive", binary, "--apply"], .exited(1))
            try require("a discarded letter", late.map { $0["code"] }, equals: ["already_discarded"])
        }
    }

    @Test(
        "A request that was given up is answered once, however often it is sent again, unless its session went on",
        .timeLimit(.minutes(10)))
    func givenUp() async throws {
        try await withCluster(.tansu, "given-up letters") { cluster in
            let strict = try await cluster.startWorker("strict", ["--crash-attempts", "1"])
            let sessions = ["plain", "goes-on", "closes"]
            // One after the other: a death in company is nobody's.
            for (index, session) in sessions.enumerated() {
                _ = try await cluster.send(Self.fatal, to: session)
                try await waitForLetters(cluster, index + 1)
            }
            strict.signal(SIGTERM)
            _ = try await strict.end(within: .seconds(30))
            _ = try await cluster.startWorker("lenient")
            _ = try await cluster.send("hello", to: "goes-on")
            let close = Array(#"{"type":"close"}"#.utf8)
            _ = try await cluster.produce(key: Array("closes".utf8), value: close, session: "closes")
            try await waitForTurns(cluster, "goes-on", 2)
            try await eventually(timeout: .seconds(40)) {
                try await cluster.store.loadSession("closes")?.isClosed == true
            }

            let listed = try await lines(cluster, ["list", "--cause", "crash-loop", "--since", "1h"])
            let ids = try sessions.map { try letter(in: listed, of: $0) }
            let planned = try await lines(cluster, ["redrive", "--every"])
            try require(
                "what would be done", Dictionary(uniqueKeysWithValues: planned.map { ($0["id"], $0["code"]) }),
                equals: [
                    .string(ids[0]): nil, .string(ids[1]): "behind_newer", .string(ids[2]): "session_closed",
                ])
            try require("notes after a dry run", try await cluster.deadLetters().count, equals: 3)
            _ = try await lines(cluster, ["redrive", "--every", "--apply"], .exited(1))
            try await waitForTurns(cluster, "plain", 2)
            try await checkAnsweredOnce(cluster, "plain")
            try await sendAgainAnyhow(cluster, "plain", ids[0])

            _ = try await lines(cluster, ["redrive", ids[1], "--behind-newer", "--apply"])
            try await waitForTurns(cluster, "goes-on", 3)
            let texts = try await messages(cluster, "goes-on").map(\.text)
            try require("what was asked last", Array(texts.suffix(2)), equals: [Self.fatal, Self.answer])
            let shown = try await lines(cluster, ["show", ids[2]])[0]
            try require("the closed session", shown["since"]?["closed"], equals: true)
            _ = try await lines(cluster, ["redrive", ids[2], "--behind-newer", "--apply"], .exited(1))
        }
    }

    @Test(
        "Two operators who send the same letters at once do it once; one who names no letters is told",
        .timeLimit(.minutes(10)))
    func twoOperators() async throws {
        try await withCluster(.tansu, "two operators") { cluster in
            let strict = try await cluster.startWorker("strict", ["--crash-attempts", "1"])
            _ = try await cluster.send(Self.fatal, to: "plain")
            try await waitForLetters(cluster, 1)
            strict.signal(SIGTERM)
            _ = try await strict.end(within: .seconds(30))
            async let one = command(cluster, ["redrive", "--session", "plain", "--apply"], nil)
            async let other = command(cluster, ["redrive", "--session", "plain", "--apply"], nil)
            for process in try await [one, other] { try require("an operator", process.ending, equals: .done) }
            // Both may have found it open, or the second one nothing to do: what counts is what comes of it.
            _ = try await cluster.startWorker("lenient")
            try await waitForTurns(cluster, "plain", 2)
            try await checkAnsweredOnce(cluster, "plain")

            _ = try await command(cluster, ["redrive"], .exited(2))
            _ = try await command(cluster, ["redrive", "--every", "--session", "plain"], .exited(2))
            _ = try await command(cluster, ["redrive", "zero"], .exited(2))
            _ = try await command(cluster, ["list", "--cause", "boredom"], .exited(2))
            _ = try await command(cluster, ["show", "0-77"], .exited(1))
            _ = try await command(cluster, ["redrive", "0-77"], .exited(1))
            _ = try await command(cluster, ["list", "--dead-letters-topic", "nowhere"], .exited(69))
        }
    }

    @Test(
        "Thousands of letters go to where they came from, each once, each session's in the order of its conversation",
        .timeLimit(.minutes(10)))
    func many() async throws {
        try await withCluster(.tansu, "many letters") { cluster in
            let seed = testSeed()
            var generator = SeededGenerator(seed: seed)
            let count = ProcessInfo.processInfo.environment["CARRYON_TEST_LETTERS"].flatMap { Int64($0) } ?? 3_000
            let letters = (0..<count).map { offset in
                let session = "session-\(offset % 700)"
                return DeadLetter(
                    record: KafkaRecord(
                        topic: cluster.requestsTopic, partition: Int32(offset % 2), offset: offset, timestamp: 1_000,
                        key: Array(session.utf8), value: Array(#"{"type":"regenerate","id":"\#(offset)"}"#.utf8)),
                    consumerGroup: "g", cause: .crashLoop, code: "c", message: "m", attempts: 3)
            }
            let written = letters.shuffled(using: &generator)
            try await cluster.write(written.map { $0.producerRecord(topic: cluster.deadLettersTopic) })
            // One of them twice, as a death between letter and settlement leaves it.
            try await cluster.write([written[0].producerRecord(topic: cluster.deadLettersTopic)])

            let planned = try await lines(cluster, ["redrive", "--every"]).compactMap { $0["id"]?.stringValue }
            let done = try await lines(cluster, ["redrive", "--every", "--apply"]).compactMap { $0["id"]?.stringValue }
            try require("letters sent, as planned (seed \(seed))", done.sorted(), equals: planned.sorted())
            let requests = try await cluster.records(on: cluster.requestsTopic, partitions: cluster.partitions)
            try require("requests", requests.count, equals: Int(count))
            for (session, sent) in Dictionary(grouping: requests, by: \.keyString) {
                let offsets = sent.compactMap {
                    Int64(String(decoding: $0.value ?? [], as: UTF8.self).filter(\.isNumber))
                }
                let expected = letters.filter { $0.record.keyString == session }.map(\.record.offset)
                try require("the order in \(session ?? "none") (seed \(seed))", offsets, equals: expected)
                try require("its partition", Set(sent.map(\.partition)), equals: [Int32(expected[0] % 2)])
            }
            try require("letters left", try await lines(cluster, ["list"]).count, equals: 0)
        }
    }

    /// Sends what a crash between the sending and the note would leave to be sent again, and an operator who does not
    /// know: neither is answered.
    private func sendAgainAnyhow(_ cluster: Cluster, _ session: String, _ id: String) async throws {
        let requests = try await cluster.records(on: cluster.requestsTopic, partitions: cluster.partitions)
        guard let redriven = requests.last(where: { $0.keyString == session && $0.header("redrive-of") != nil }) else {
            throw Discrepancy("the request that was sent again", expected: "one on its topic", came: "none")
        }
        try require(
            "the letter named in it", redriven.headerString("redrive-of"), equals: "\(cluster.deadLettersTopic)-\(id)")
        _ = try await cluster.produce(
            key: redriven.key, value: redriven.value, headers: redriven.headers, partition: redriven.partition,
            session: session)
        let again = try await lines(cluster, ["redrive", id, "--apply"])
        try require("what is said of it", again.map { $0["code"] }, equals: ["already_redriven"])
        try await eventually(timeout: .seconds(40), every: .milliseconds(50)) {
            try await cluster.events(of: session).controls.contains { $0.subtype == "duplicate" }
        }
        try await checkAnsweredOnce(cluster, session)
    }

    /// The question and its whole answer, once, and events without a gap.
    private func checkAnsweredOnce(_ cluster: Cluster, _ session: String) async throws {
        let stored = try await messages(cluster, session)
        try require("the transcript of \(session)", stored.map(\.text), equals: [Self.fatal, Self.answer])
        let events = try await cluster.events(of: session)
        try events.checkGapless()
        try require(
            "the outcomes of \(session)", events.turnsCompleted.map(\.outcome), equals: [.deadLettered, .completed])
        let ids = Set(events.kept.map(\.requestID))
        try require("the request's ids in \(session)", ids.count, equals: 1)
    }

    private func messages(_ cluster: Cluster, _ session: String) async throws -> [Message] {
        let stored = try await cluster.store.loadSession(session)
        return try (stored?.messages ?? []).map { try Message(parsing: $0.body) }
    }

    private func waitForLetters(_ cluster: Cluster, _ count: Int) async throws {
        try await eventually(timeout: .seconds(40), every: .milliseconds(50)) {
            try await cluster.deadLetters().count >= count
        }
    }

    private func waitForTurns(_ cluster: Cluster, _ session: String, _ count: Int) async throws {
        try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
            try await cluster.events(of: session).turnsCompleted.count >= count
        }
    }

    /// The id of the one letter of a session, or of the one without a key.
    private func letter(in list: [JSON], of session: String?) throws -> String {
        let found = list.filter { $0["session"]?.stringValue == session }.compactMap { $0["id"]?.stringValue }
        try require("letters of \(session ?? "nobody")", found.count, equals: 1)
        return found[0]
    }

    private func lines(
        _ cluster: Cluster, _ arguments: [String], _ ending: ProcessEnding = .done
    ) async throws -> [JSON] {
        let output = try await command(cluster, arguments + ["--json"], ending).outputText
        return try output.split(separator: "\n").map { try JSON(parsing: String($0)) }
    }

    private func command(
        _ cluster: Cluster, _ arguments: [String], _ ending: ProcessEnding?
    ) async throws -> CarryonProcess {
        let process = try await cluster.run(["dead-letters"] + arguments)
        guard ending == nil || process.ending == ending else {
            throw Discrepancy(
                "carryon dead-letters \(arguments.joined(separator: " "))", expected: ending as Any,
                came: "\(process.ending as Any): \(process.outputText)\(process.errorText)")
        }
        return process
    }
}
