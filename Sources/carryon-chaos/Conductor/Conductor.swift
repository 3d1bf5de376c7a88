import Conversation
import Foundation
import HTTPTestServer
import Kafka
import SessionStore
import TestSupport

/// One run: users talk, the service is hurt, everything is healed, and the books are checked.
struct Conductor: Sendable {
    let setting: ChaosSetting
    let diary: Diary

    func run() async throws -> ChaosReport {
        let desk = ToolDesk()
        var report: ChaosReport?
        try await TestServer.serving(desk.answer) { server in
            let workers = setting.directory.appending(path: "workers")
            try FileManager.default.createDirectory(at: workers, withIntermediateDirectories: true)
            let agent = setting.directory.appending(path: "agent.yaml")
            try Data(ChaosTool.agentFile(url: server.url).utf8).write(to: agent)
            let stage = try await Stage(setting.store, partitions: setting.partitions, directory: setting.directory)
            do {
                report = try await play(on: stage, desk, agent: agent.path(percentEncoded: false))
            } catch {
                await stage.close()
                throw error
            }
            await stage.close()
        }
        guard let report else { throw CancellationError() }
        return report
    }

    private func play(on stage: Stage, _ desk: ToolDesk, agent: String) async throws -> ChaosReport {
        let plan = setting.conversationPlan
        let watch = CommitWatch(stage)
        // The users' thinking takes as long as the faults go on, so that there is something to hurt all the time.
        let conversations = Conversations(
            plan, on: stage, watch: watch, pause: setting.window * 0.8 / Double(max(1, setting.turns)))
        let settings = setting.workerSettings.merging(["AGENT": agent], uniquingKeysWith: { $1 })
        let fleet = Fleet(stage, settings: settings)
        let faults = FaultRunner(
            setting.faultPlan, fleet: fleet, broker: stage.broker, store: stage.storeUnderTest, diary: diary)
        let start = ContinuousClock.now
        var findings: [Finding] = []
        try await fleet.start(setting.workers)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watch.run() }
            group.addTask { await follow(stage, conversations) }
            group.addTask { try await fleet.watch() }
            group.addTask { try await tellProgress(conversations, faults, watch) }
            conversations.start()
            try await faults.run()
            conversations.hurry()
            diary.say("the last fault is over; the rest may take \(setting.deadline)")
            findings += await untilOver(conversations, stage, watch)
            // What a zombie still says must not hurt either.
            try await Task.sleep(for: .seconds(1))
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
        await fleet.end()
        let elapsed = ContinuousClock.now - start
        let examination = try await Examination(stage, setting, conversations, desk).examine()
        findings += try await Verification(stage: stage, settings: settings).findings()
        diary.say("the store is lost; it is built again, and everybody goes on")
        findings += try await Restoration(
            stage: stage, settings: settings, plan: setting.conversationPlan, deadline: setting.deadline
        ).findings()
        findings += conversations.findings + watch.findings + examination.findings
        findings += await fleet.findings
        var done = faults.done
        let selfKills = await fleet.selfKills
        let refusedStarts = await fleet.refusedStarts
        if selfKills > 0 { done["worker killed itself"] = selfKills }
        if refusedStarts > 0 { done["worker started without a store"] = refusedStarts }
        return ChaosReport(
            setting: setting, elapsed: elapsed, standing: conversations.standing, faults: done,
            examination: examination, looks: watch.looks, rewinds: watch.rewinds, findings: findings)
    }

    private func follow(_ stage: Stage, _ conversations: Conversations) async {
        do {
            _ = try await stage.reader.read(from: stage.beginnings(of: Stage.events), untilEnd: false) { records in
                conversations.heard(records)
                return .proceed
            }
        } catch is CancellationError {
            return
        } catch {
            conversations.find(
                Finding(.conduct, nil, "following the events topic", expected: "it to be read to the end", came: error))
        }
    }

    /// Waits until every session is over and every request is committed.
    private func untilOver(_ conversations: Conversations, _ stage: Stage, _ watch: CommitWatch) async -> [Finding] {
        var findings: [Finding] = []
        do {
            try await eventually(timeout: setting.deadline, every: .milliseconds(100)) { conversations.isOver }
        } catch {
            let standing = conversations.standing
            findings.append(
                Finding(
                    .lost, standing.waiting.first?.session, step: standing.waiting.first?.step,
                    "sessions that are not over \(setting.deadline) after the last fault", expected: "none",
                    came: standing.waiting.prefix(20).map { "\($0.session) at step \($0.step)" }))
        }
        var ends: [TopicPartition: Int64] = [:]
        for index in setting.conversationPlan.sessions.indices {
            for request in conversations.requests(of: index) {
                ends[request.partition] = max(ends[request.partition] ?? 0, request.offset + 1)
            }
        }
        do {
            try await eventually(timeout: .seconds(30), every: .milliseconds(100)) {
                let committed = watch.committed
                return ends.allSatisfy { committed[$0.key] == $0.value }
            }
        } catch {
            let committed = watch.committed
            let late = ends.filter { committed[$0.key] != $0.value }
            findings.append(
                Finding(
                    .commit, nil, "the committed offsets at the end", expected: late,
                    came: committed.filter { late[$0.key] != nil }))
        }
        return findings
    }

    private func tellProgress(
        _ conversations: Conversations, _ faults: FaultRunner, _ watch: CommitWatch
    ) async throws {
        while !Task.isCancelled {
            try await Task.sleep(for: .seconds(3))
            let standing = conversations.standing
            let hurt = faults.done.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
            diary.say(
                "\(diary.time)  \(standing.sessionsOver) of \(setting.sessions) sessions over, \(standing.turns) turns, "
                    + "\(standing.waiting.count) waiting; \(hurt.isEmpty ? "nothing hurt yet" : hurt)")
        }
    }
}
