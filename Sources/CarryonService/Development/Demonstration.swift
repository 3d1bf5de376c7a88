import Conversation
import Foundation
import Gateway
import Glibc
import Kafka
import Logging
import SessionStore

/// `carryon dev --demo`: a conversation whose worker is killed in mid-answer, twice, and a check that nobody would know
/// from the transcript.
struct Demonstration: Sendable {
    private struct Act {
        var title: String
        var text: String
        var expected: String
        var victim: Victim
    }

    private enum Victim { case turnHost, worker }

    private static let session = "demo"
    private static let first =
        "The worker writes every word to a log before it counts on it, so a word that you have read is a word that will "
        + "not be taken back. When the process dies in the middle of a sentence, another one reads the log, finds the "
        + "sentence as you saw it, and goes on with the very next word, as if it had only stopped to think."
    private static let second =
        "This time the whole worker goes, the member of the consumer group and all: the group notices after its session "
        + "timeout, hands the partition over, and the request comes again, because its offset was never committed "
        + "ahead of the checkpoint. The answer is neither lost nor begun anew."

    let invocation: Invocation
    let logger: Logger

    func run() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "carryon-demo-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = directory.appendingPathComponent("sessions.sqlite").path
        var invocation = invocation
        invocation.addFlags([
            "--log-level", "critical", "--kafka-session-timeout-ms", "6000", "--model-interval", "60ms",
        ])
        let service = try DevelopmentService.start(invocation, store: store, logger: logger)
        do {
            StandardOutput.line(
                "A broker and a worker are up. The words below are the events topic's, as a reader sees them.\n")
            try await play(
                Act(title: "1. The turn host is killed", text: Self.first, expected: Self.first, victim: .turnHost), 0,
                service)
            try await play(
                Act(title: "2. The whole worker is killed", text: Self.second, expected: Self.second, victim: .worker),
                1,
                service)
        } catch {
            await service.stop()
            throw CommandFailure(.failed, "the demonstration failed: \(error)")
        }
        await service.stop()
        try await check(store)
        StandardOutput.line(
            "\nThe transcript holds both questions and both answers, once, in order, word for word. Nothing was lost.")
    }

    private func play(_ act: Act, _ turn: Int, _ service: DevelopmentService) async throws {
        StandardOutput.line("\(act.title) (kill -9) in the middle of its answer:\n")
        let producer = try KafkaProducer(service.properties, logger: logger)
        let request = Request(kind: .message(.user(id: "question-\(turn)", text: "#script\nsay \(act.text)")))
        _ = try await producer.send(
            ProducerRecord(
                topic: service.settings.requestsTopic, partition: nil, key: Array(Self.session.utf8),
                value: request.serialized(), headers: []))
        await producer.close()
        let follower = EventFollower(
            session: Self.session, topic: service.settings.eventsTopic, properties: service.properties, logger: logger)
        let stage = Stage(killAfterWords: 18)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await follower.follow { readings in
                    for reading in readings {
                        guard case .event(let event, _) = reading, event.turn == turn else { continue }
                        if await stage.show(event) { await kill(act.victim, service, stage) }
                    }
                    return await stage.isOver ? .stop : .proceed
                }
            }
            group.addTask {
                try await Task.sleep(for: .seconds(120))
                throw CommandFailure(.failed, "the answer did not come to its end within two minutes")
            }
            try await group.next()
            group.cancelAll()
        }
        try await stage.verify(expected: act.expected)
    }

    private func kill(_ victim: Victim, _ service: DevelopmentService, _ stage: Stage) async {
        let victims =
            switch victim {
            case .turnHost: Array(service.turnHosts().prefix(1))
            case .worker: [service.worker.processID].compactMap(\.self)
            }
        let names = victims.map { "\($0)" }.joined(separator: " ")
        await stage.note("kill -9 \(names)")
        for processID in victims { _ = Glibc.kill(processID, SIGKILL) }
    }

    private func check(_ path: String) async throws {
        let store = try SQLiteSessionStore(path: path, logger: logger)
        let stored = try await store.loadSession(Self.session)
        try await store.close()
        let messages = try stored?.parsedMessages() ?? []
        let answers = messages.filter { $0.role == .assistant }.map(\.text)
        guard messages.map(\.role) == [.user, .assistant, .user, .assistant], answers == [Self.first, Self.second]
        else {
            throw CommandFailure(.failed, "the transcript is not right: \(messages.map(\.json.serializedString))")
        }
    }
}
