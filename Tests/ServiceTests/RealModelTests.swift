import Conversation
import Foundation
import SessionStore
import TestSupport
import Testing

/// The address of a real model's server, if somebody has started one: `deploy/test --real-model` does.
private let realModelURL = ProcessInfo.processInfo.environment["CARRYON_TEST_REAL_MODEL"]

@Suite("A real language model", .enabled(if: Tansu.isAvailable && realModelURL?.isEmpty == false))
struct RealModelTests {
    private static let question = "A short story about a lighthouse keeper who found a letter in a bottle."

    @Test("Its answer goes on where kill -9 cut it off", .timeLimit(.minutes(10)))
    func killed() async throws {
        let url = try #require(realModelURL)
        try await withCluster(.tansu, "real model") { cluster in
            let worker = try await cluster.startWorker(
                "worker", ["--model", "openai:gemma-3-270m", "--model-url", url, "--model-max-tokens", "160"])
            _ = try await cluster.send(Self.question, to: "s")
            try await eventually(timeout: .seconds(180)) {
                try await cluster.events(of: "s").answer(turn: 0).text.count > 150
            }
            let victims = try children(of: #require(worker.processID))
            #expect(!victims.isEmpty)
            for victim in victims { kill(victim, SIGKILL) }
            try await eventually(timeout: .seconds(300)) {
                try await !cluster.events(of: "s").turnsCompleted.isEmpty
            }
            let events = try await cluster.events(of: "s")
            try events.checkGapless()
            #expect(events.turnsCompleted.map(\.outcome) == [.completed])
            #expect(try await cluster.runs(of: "s").map(\.status) == [.interrupted, .completed])
            let (before, after) = halves(of: events)
            #expect(before.count > 150 && !after.isEmpty)
            // Nobody reads it twice, nor misses any of it.
            let stored = try #require(try await cluster.store.loadSession("s"))
            let transcript = try stored.messages.map { try Message(parsing: $0.body) }
            #expect(transcript.map(\.text) == [Self.question, before + after])
            let report = "> \(Self.question)\n\n\(before)⟨kill -9⟩\(after)\n"
            print(report)
            if let path = ProcessInfo.processInfo.environment["CARRYON_TEST_REAL_MODEL_OUTPUT"] {
                try Data(report.utf8).write(to: URL(filePath: path))
            }
        }
    }

    /// What the answer says before and after another run took it over.
    private func halves(of events: SessionEvents) -> (before: String, after: String) {
        var (before, after, isAfter) = ("", "", false)
        for event in events.kept {
            switch event.body {
            case .control(.recovered): isAfter = true
            case .chunk(.textDelta(let delta)): if isAfter { after += delta.delta } else { before += delta.delta }
            default: break
            }
        }
        return (before, after)
    }

    /// The processes that a process has started: a worker's are its turn hosts.
    private func children(of parent: pid_t) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(parent)/task").flatMap { thread in
            let path = "/proc/\(parent)/task/\(thread)/children"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return text.split(separator: " ").compactMap { pid_t($0) }
        }
    }
}
