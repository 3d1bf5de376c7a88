import CarryonTesting
import ChatAgent
import Conversation
import Kafka
import SessionStore
import TestSupport
import Testing
import TurnHost

/// Beside these, every test of a turn host that waits for its requests' end finds that the store is what the topics say.
@Suite("A store that is built again from the topics")
struct RebuildTests {
    private func store(_ conductor: Conductor, _ name: String = "other") throws -> SQLiteSessionStore {
        try SQLiteSessionStore(path: conductor.directory.path("\(name).sqlite"), logger: Conductor.quiet)
    }

    /// A conversation of two sessions: messages, a tool's answer, a stop, a regenerate, a key used twice, a close.
    private func conversation(_ conductor: Conductor) async throws {
        try await conductor.start()
        for round in 0..<4 {
            conductor.say("#script\nsay words of round \(round)", id: "u\(round)", key: "k\(round % 3)")
            conductor.say("one more", to: "other", id: "o\(round)")
            try await conductor.finish()
        }
        conductor.send(.regenerate)
        conductor.send(.action(.null))
        try await conductor.finish()
        conductor.send(.stop(reason: nil), key: "stop")
        conductor.send(.close(reason: nil), to: "other")
        try await conductor.finish()
    }

    @Test("Begun again after it was interrupted, at whatever point, it comes to the same; what is there is passed over")
    func interrupted() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        let events = Int64(conductor.log.events(0).count)
        for end in stride(from: Int64(0), to: events - 1, by: 3) {
            let other = try store(conductor, "part-\(end)")
            await #expect(throws: CancellationError.self, "interrupted at event \(end)") {
                try await conductor.rebuild(into: other, batch: 2) { if $0 >= end { throw CancellationError() } }
            }
            let begun = try await other.loadSession("s")?.turns ?? 0
            let rest = try await conductor.rebuild(into: other)
            #expect(rest.gaps == [], "interrupted at event \(end)")
            #expect(rest.alreadyThere >= begun, "interrupted at event \(end)")
            #expect(try await conductor.differences(from: other) == [], "interrupted at event \(end)")
        }
    }

    @Test("An idempotency key is used in the store that was built again too")
    func keys() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        let other = try store(conductor)
        _ = try await conductor.rebuild(into: other)
        for key in ["k0", "k1", "k2", "stop"] {
            let expected = try await conductor.store.idempotencyKey(session: "s", key: key)
            #expect(expected != nil)
            #expect(try await other.idempotencyKey(session: "s", key: key) == expected, "\(key)")
        }
    }

    @Test("A session whose first events are gone is named, with what is left of it")
    func goneEvents() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        let events = conductor.log.events(0)
        let cut = try #require(events.lastIndex { $0.keyString == "s" && $0.headerString("turn") == "1" })
        let other = try store(conductor)
        let report = try await conductor.rebuild(into: other, events: Int64(cut + 1)..<Int64(events.count))
        #expect(Set(report.gaps.map(\.session)) == ["s", "other"])
        #expect(report.gaps.first { $0.session == "s" }?.reason.hasPrefix("its events up to seq ") == true)
        let stored = try #require(try await other.loadSession("s"))
        #expect(stored.turns == 4, "turns keep their numbers")
        #expect(try stored.messages.map { try Message(parsing: $0.body).id }.first == "u2")
    }

    @Test("A request that is gone from its topic is named, and the answers stay")
    func goneRequests() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        let other = try store(conductor)
        let report = try await conductor.rebuild(into: other, requests: 2..<1_000)
        #expect(Set(report.gaps.map(\.session)) == ["s", "other"])
        #expect(report.gaps.allSatisfy { $0.reason.hasSuffix("is gone from the topic") })
        let stored = try #require(try await other.loadSession("s"))
        #expect(
            try stored.messages.map { try Message(parsing: $0.body).id }.prefix(3) == [
                "s-answer-0", "u1", "s-answer-1",
            ])
    }

    @Test("What was erased stays out of the store, and what came after it is there as it was")
    func erased() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        conductor.isRebuildable = false
        conductor.log.plant(ErasureRecord.make(session: "s", topic: "events", partition: 0))
        conductor.say("one more", to: "other-2", id: "later")
        try await conductor.finish()
        let other = try store(conductor)
        #expect(try await conductor.rebuild(into: other).gaps == [])
        let stored = try #require(try await other.loadSession("s"))
        #expect(stored.messages == [] && stored.isClosed)
        #expect(stored.turns == 4)
        #expect(try await other.loadSession("other")?.messages.isEmpty == false)
        #expect(try await other.loadSession("other-2")?.messages.count == 2)
    }

    @Test(
        "What was taken back to be answered anew is taken back, once, and what came after it stands behind what stayed")
    func rewound() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        // The live store is not taken back.
        conductor.isRebuildable = false
        let before = try #require(try await conductor.store.loadSession("s"))
        let rewind = RewindRecord(session: "s", turn: 2, nextSeq: before.nextSeq)
        conductor.log.plant(rewind.made(topic: "events", partition: 0))
        let other = try store(conductor)
        _ = try await conductor.rebuild(into: other)
        let earlier = Array(before.messages.filter { $0.turn < 2 })
        #expect(try await other.loadSession("s")?.messages == earlier)
        conductor.say("anew", id: "anew")
        try await conductor.finish()
        for round in 1...2 {
            #expect(try await conductor.rebuild(into: other).gaps == [], "round \(round)")
            let stored = try #require(try await other.loadSession("s"))
            #expect(stored.turns == before.turns + 1, "round \(round)")
            #expect(Array(stored.messages.dropLast(2)) == earlier, "round \(round)")
            let last = try stored.messages.suffix(2).map { try Message(parsing: $0.body).id }
            #expect(last == ["anew", "s-answer-\(before.turns)"], "round \(round)")
        }
        let fresh = try store(conductor, "fresh")
        _ = try await conductor.rebuild(into: fresh)
        #expect(try await fresh.loadSession("s")?.messages == other.loadSession("s")?.messages)
    }

    @Test("A turn that was begun and not settled is there with its runs, and with the calls that may have been made")
    func openTurn() async throws {
        let conductor = try Conductor()
        try await conductor.start(killAt: .init(step: .midStream, occurrence: 4))
        conductor.say("#script\ntokens 20", id: "u")
        try await conductor.waitForDeath()
        let other = try store(conductor)
        let report = try await conductor.rebuild(into: other)
        #expect(report.openTurns == 1)
        let expected = try #require(try await conductor.store.loadSession("s")?.openRuns.first)
        let found = try #require(try await other.loadSession("s")?.openRuns.first)
        #expect(found.id == expected.id)
        #expect(found.position == expected.position)
        #expect(found.firstSeq == expected.firstSeq)
        #expect(found.eventsStart >= expected.eventsStart)
        #expect(found.status == .running)
    }

    @Test("A turn whose worker died between its settlement and its closing event is passed over")
    func unclosed() async throws {
        for request in [Request.Kind.message(.user(id: "u", text: "one")), .action(.null)] {
            let conductor = try Conductor()
            try await conductor.start(killAt: .init(step: .afterSettle))
            conductor.send(request)
            try await conductor.waitForDeath()
            let stored = try #require(try await conductor.store.loadSession("s"))
            let report = try await conductor.rebuild(into: conductor.store)
            #expect(report.gaps == [] && report.openTurns == 0)
            #expect(try await conductor.store.loadSession("s") == stored)
        }
    }

    @Test("A turn of another log's request is named, and no new request counts as settled because of it")
    func otherLog() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.say("one", id: "u1")
        conductor.send([Request(kind: .message(.user(id: "u2", text: "two")), id: "named")])
        try await conductor.finish()
        conductor.isRebuildable = false
        let other = try store(conductor)
        // The topic that was made again has the second request at the first one's place.
        let report = try await conductor.rebuild(into: other, shiftingRequestsBy: -1)
        #expect(report.gaps.map(\.session) == ["s"])
        #expect(try await other.loadSession("s")?.positions.contains { $0.offset == 0 } != true)
    }

    @Test("What onTurnComplete has changed is there too, once, however often the rebuild is begun again")
    func amended() async throws {
        let conductor = try Conductor()
        // The request counts as settled before the hook is called.
        conductor.isRebuildable = false
        let agent = HookAgent(completing: { event in
            let note = Message(id: "note-\(event.identity.turn)", role: .user, parts: [.text("noted")])
            event.history.set(event.messages.suffix(3) + [note])
        })
        try await conductor.start(agent)
        for turn in 0..<3 {
            conductor.say("turn \(turn)", id: "u\(turn)")
            try await conductor.finish(agent, turns: turn + 1)
            try await waitFor {
                try await conductor.store.loadSession("s")?.messages.contains { $0.id == "note-\(turn)" } == true
            }
        }
        try await conductor.revoke()
        conductor.isRebuildable = true
        try await conductor.checkRebuild()
        let other = try store(conductor)
        for round in 1...2 {
            #expect(try await conductor.rebuild(into: other).gaps == [], "round \(round)")
            let stored = try #require(try await other.loadSession("s"))
            #expect(stored.messages.map(\.id) == ["note-1", "u2", "s-answer-2", "note-2"], "round \(round)")
        }
    }

    @Test("Of a store that has settled everything, no event is read; a stop that came too late makes no difference")
    func nothingLacks() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        conductor.send(.stop(reason: nil))
        try await conductor.finish()
        #expect(try await conductor.surveyed(conductor.store) == [:])
        #expect(try await conductor.surveyed(MemorySessionStore()).values.map(\.firstEvent) == [0])
    }

    @Test("Only sessions that lack something are read, from the last turn on that the store has of them")
    func lacking() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        let old = try store(conductor)
        _ = try await conductor.rebuild(into: old)
        let sent = conductor.requests(in: 0).count
        conductor.say("later", to: "other-2", id: "later")
        conductor.say("later", id: "later")
        try await conductor.finish()
        let scope = try #require(try await conductor.surveyed(old)[0])
        #expect(scope.sessions == ["s", "other-2"])
        #expect(scope.firstRequest == Int64(sent))
        #expect(scope.firstEvent == 0, "nothing is known of a new session")
        var known = scope
        known.sessions.remove("other-2")
        let last = try #require(try await old.finalRuns(of: "s").max { $0.firstSeq < $1.firstSeq })
        #expect(scope.knownSeqs == ["s": last.firstSeq])
        known.firstEvent = last.eventsStart
        _ = try await conductor.rebuild(into: old, scopes: [0: known])
        #expect(try await conductor.differences(from: old).map(\.session) == ["other-2"])
        #expect(try await old.loadSession("other-2") == nil)
    }

    @Test("Events that are not where the store has them are noticed before anything of their session is written")
    func misplaced() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        let old = try store(conductor)
        let all = conductor.log.events(0)
        _ = try await conductor.rebuild(into: old, thirds: 1, trustsCommits: false)
        let before = try #require(try await old.loadSession("s"))
        var scope = try #require(try await conductor.surveyed(old)[0])
        // As in a topic that was made again: beyond what the store knows of, or with nothing behind it.
        for first in [all[all.count - 3].offset, all[all.count - 1].offset + 1] {
            scope.firstEvent = first
            scope.sessions = ["s"]
            scope.knownSeqs = scope.knownSeqs.filter { $0.key == "s" }
            await #expect(throws: RebuildScope.Misplaced.self) {
                try await conductor.rebuild(into: old, scopes: [0: scope])
            }
            #expect(try await old.loadSession("s") == before)
        }
        _ = try await conductor.rebuild(into: old, scopes: [0: scope.readingAllEvents])
        #expect(try await old.loadSession("s")?.messages == conductor.store.loadSession("s")?.messages)
    }

    @Test("Somebody who writes the same sessions meanwhile is noticed, and nothing of his is written over")
    func disturbed() async throws {
        let conductor = try Conductor()
        try await conversation(conductor)
        let other = try store(conductor)
        let half = Int64(conductor.log.events(0).count) / 2
        await #expect(throws: SessionRebuilder.Disturbed.self) {
            try await conductor.rebuild(into: other, batch: 2) { offset in
                guard offset == half / 2 * 2 else { return }
                _ = try await other.takeFence(group: "g", cluster: "c1", topic: "requests", partition: 0)
            }
        }
        let stored = try #require(try await other.loadSession("s"))
        #expect((1..<4).contains(stored.turns))
    }
}
