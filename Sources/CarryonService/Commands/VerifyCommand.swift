import ArgumentParser
import Conversation
import Foundation
import SessionStore
import TurnHost

/// `carryon verify`
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Compares the session store with what the requests and events topics say, and lists every difference.",
        discussion: """
            Changes nothing, and may be run beside the workers: sessions that go on meanwhile are left out. The topics \
            are read whole, into a store of its own on this machine's disk. Exit status: 0 nothing differs, 1 something \
            does.
            """)

    @Flag(help: "One JSON object a difference, and one in the end.") var json = false

    func run() async throws {
        let rebuild = try TopicRebuild(try Invocation.required())
        let directory = FileManager.default.temporaryDirectory.appending(path: "carryon-verify-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: directory, withIntermediateDirectories: true,
            // What was said is in there.
            attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = try rebuild.settings.openStore(mustExist: true)
        let outcome = try await store.closing {
            try await compare(store, directory.appending(path: "rebuilt.sqlite").path, rebuild)
        }
        await rebuild.close()
        tell(outcome)
        guard outcome.differences.isEmpty else {
            let sessions = Set(outcome.differences.map(\.session)).count
            throw CommandFailure(.failed, "\(outcome.differences.count) differences in \(sessions) sessions")
        }
    }

    private func compare(
        _ store: any SessionStore, _ path: String, _ rebuild: TopicRebuild
    ) async throws -> StoreVerification.Outcome {
        let scratch = try SQLiteSessionStore(path: path, logger: rebuild.logger)
        return try await scratch.closing { try await compare(store, scratch, rebuild) }
    }

    private func compare(
        _ store: any SessionStore, _ scratch: any SessionStore, _ rebuild: TopicRebuild
    ) async throws -> StoreVerification.Outcome {
        let began = wallClock() - 60_000
        var gaps: [String: String] = [:]
        for partition in try await rebuild.partitions() {
            for gap in try await rebuild.rebuild(partition, into: scratch).gaps { gaps[gap.session] = gap.reason }
        }
        let verification = StoreVerification(
            store: store, rebuilt: scratch, topic: rebuild.settings.requestsTopic, began: began, gaps: gaps)
        let meter = ProgressMeter("comparing", unit: "sessions")
        let outcome = try await verification.run { meter.reached($0) }
        meter.finish()
        return outcome
    }

    private func tell(_ outcome: StoreVerification.Outcome) {
        if json {
            for difference in outcome.differences { print(difference.json.serializedString) }
            let end: JSON = [
                "sessions": .number(JSONNumber(outcome.sessions)),
                "differences": .number(JSONNumber(outcome.differences.count)),
                "busy": .array(outcome.busy.map(JSON.string)),
            ]
            return print(end.serializedString)
        }
        if !outcome.differences.isEmpty {
            let rows = outcome.differences.map { [$0.session, $0.what, $0.stored, $0.expected] }
            print(TextTable(["SESSION", "WHAT", "IN THE STORE", "BY THE TOPICS"], rows))
        }
        print("\(outcome.sessions) sessions compared, \(outcome.differences.count) differences")
        if !outcome.busy.isEmpty { print("\(outcome.busy.count) sessions went on meanwhile and were left out") }
    }
}

extension SessionDifference {
    fileprivate var json: JSON {
        [
            "session": .string(session), "what": .string(what), "stored": .string(stored),
            "expected": .string(expected),
        ]
    }
}
