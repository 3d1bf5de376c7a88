import Conversation
import Foundation
import Kafka
import SessionStore
import TestSupport

/// Has the store lost: one that is built again from the topics alone must be what it was, and every conversation must go on
/// with it.
struct Restoration: Sendable {
    let stage: Stage
    /// The workers' settings.
    let settings: [String: String]
    let plan: ConversationPlan
    /// How long the further turns may take.
    let deadline: Duration

    func findings() async throws -> [Finding] {
        let (setting, store) = try await stage.storeUnderTest.makeAnother()
        let settings = settings.merging(["STORE": setting]) { $1 }
        let rebuild = try await CarryonProcess.start(
            ["rebuild", "--ignore-members"], name: "rebuild", environment: stage.environment(settings),
            directory: stage.directory)
        let ending = try await rebuild.end(within: .seconds(300))
        guard ending == .done else {
            return [Finding(.store, nil, "carryon rebuild", expected: "it done", came: rebuild.lastWords())]
        }
        var findings = try await Verification(stage: stage, settings: settings).findings()
        // For another group every request comes again, from the first one on: what is settled stays so.
        let worker = try await CarryonProcess.start(
            ["work"], name: "restored",
            environment: stage.environment(settings.merging(["GROUP_ID": "\(Stage.name)-restored"]) { $1 }),
            directory: stage.directory.appending(path: "workers"))
        findings += try await goOn(store)
        worker.signal(SIGTERM)
        if try await worker.end(within: .seconds(60)) != .done {
            findings.append(
                Finding(.conduct, nil, "the end of \(worker.name)", expected: "it done", came: worker.lastWords()))
        }
        findings += try await gaps()
        try await store.close()
        return findings
    }

    /// Has every session that is open answer once more.
    private func goOn(_ store: any SessionStore) async throws -> [Finding] {
        var before: [String: StoredSession] = [:]
        for session in plan.sessions {
            guard let stored = try await store.loadSession(session.id), !stored.isClosed else { continue }
            before[session.id] = stored
            let request = Request(kind: .message(.user(id: "\(session.id).restored", text: "And now?")))
            _ = try await stage.producer.send(
                ProducerRecord(
                    topic: Stage.requests, partition: stage.partition(of: session.id), key: Array(session.id.utf8),
                    value: request.serialized()))
        }
        let open = before
        do {
            try await eventually(timeout: deadline, every: .milliseconds(200)) {
                for (session, stored) in open {
                    guard try await store.sessionHead(session)?.turns == stored.turns + 1 else { return false }
                }
                return true
            }
        } catch {
            return [
                Finding(
                    .lost, nil, "turns with the store that was built again, \(deadline) after they were asked for",
                    expected: "one of each session", came: error)
            ]
        }
        var findings: [Finding] = []
        for (session, stored) in before.sorted(by: { $0.key < $1.key }) {
            let expected = stored.messages.map(\.id) + ["\(session).restored", "\(session)-answer-\(stored.turns)"]
            let came = try await store.loadSession(session)?.messages.map(\.id) ?? []
            guard came != expected else { continue }
            findings.append(
                Finding(
                    .changed, session, "the history that went on with the store that was built again",
                    expected: expected, came: came))
        }
        return findings
    }

    /// Readers have every event once, from the first to the last.
    private func gaps() async throws -> [Finding] {
        return try await stage.eventsBySession().sorted { $0.key < $1.key }.compactMap { session, events in
            let seqs = PlainReader.kept(of: events).map(\.seq)
            let isGapless = seqs.elementsEqual(1...Int64(max(seqs.count, 1)))
            return isGapless
                ? nil
                : Finding(.reading, session, "seqs after the store was built again", expected: "no gap", came: seqs)
        }
    }
}
