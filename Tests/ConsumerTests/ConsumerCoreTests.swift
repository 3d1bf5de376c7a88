import Consumer
import Kafka
import SessionStore
import Testing
import TurnHost

@Suite("The consumer's decisions")
struct ConsumerCoreTests {
    private let now = ContinuousClock.now
    private let crash = HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "host-1")

    private func ready(slots: Int = 1, end: Int64 = 0) -> ConsumerCore {
        var core = ConsumerCore.forTests(slots: slots)
        for slot in 0..<slots { _ = core.hostStarted(slot) }
        _ = core.own(0, end: end, at: now)
        return core
    }

    @Test("A request is dispatched at once, and committed when it is settled")
    func settledIsCommitted() throws {
        var core = ready()
        let dispatched = core.receive([requestRecord(session: "a", offset: 0)], at: now).dispatches
        let entry = try #require(dispatched.first?.entry)
        #expect(core.tick(at: now).commits == [])
        let actions = core.reported(.settled(entries: [entry]), by: 0, at: now)
        #expect(actions.commits == [[partition(0): 1]])
        #expect(core.reported(.settled(entries: [entry]), by: 0, at: now).isEmpty, "a settlement counts once")
    }

    @Test("No commit goes beyond the first unsettled request")
    func noCommitAhead() throws {
        var core = ready()
        let dispatched = core.receive((0..<3).map { requestRecord(session: "s\($0)", offset: $0) }, at: now).dispatches
        #expect(core.reported(.settled(entries: [dispatched[1].entry, dispatched[2].entry]), by: 0, at: now).isEmpty)
        let actions = core.reported(.settled(entries: [dispatched[0].entry]), by: 0, at: now)
        #expect(actions.commits == [[partition(0): 3]])
    }

    @Test("A record of a partition that is not granted is dropped, not registered")
    func ungranted() {
        var core = ConsumerCore.forTests()
        _ = core.hostStarted(0)
        let id = core.assign(partition(0), at: now)
        #expect(core.unready(partition(0), assignment: id) == [.pause(partition(0))])
        #expect(core.receive([requestRecord(session: "a", offset: 0)], at: now).isEmpty)
        #expect(core.watermark(of: partition(0)) == nil)
    }

    @Test("A partition that is not granted tells since when and why, and so does one whose fence was overtaken")
    func wait() {
        var core = ConsumerCore.forTests()
        _ = core.hostStarted(0)
        let id = core.assign(partition(0), at: now)
        func wait() -> ConsumerStatus.Wait? { core.status(at: now + .seconds(3)).partitions.first?.wait }
        #expect(wait() == .init(age: .seconds(3)))
        core.obstructed(partition(0), assignment: id + 1, by: "another assignment's trouble")
        #expect(wait() == .init(age: .seconds(3)))
        core.obstructed(partition(0), assignment: id, by: "the broker is away")
        #expect(wait() == .init(age: .seconds(3), obstacle: "the broker is away"))
        _ = core.grant(0, assignment: id, from: 0, end: 0, at: now)
        core.obstructed(partition(0), assignment: id, by: "too late to matter")
        #expect(wait() == nil)
        _ = core.reported(.fenced(assignment: id), by: 0, at: now + .seconds(1))
        core.obstructed(partition(0), assignment: id, by: "the store is away")
        #expect(wait() == .init(age: .seconds(2), obstacle: "the store is away"))
    }

    @Test("A partition that was granted is not paused for having been late")
    func grantedBeforeUnready() {
        var core = ConsumerCore.forTests()
        let id = core.assign(partition(0), at: now)
        _ = core.grant(0, assignment: id, from: 0, end: 0, at: now)
        #expect(core.unready(partition(0), assignment: id).isEmpty && core.paused.isEmpty)
    }

    @Test("What the client library has paused other than it was told to is put right, once it is known who reads")
    func alignFlow() {
        var core = ConsumerCore.forTests()
        let id = core.assign(partition(0), at: now)
        #expect(core.alignFlow(paused: [partition(0)]).isEmpty, "whoever prepares it may have paused it")
        _ = core.unready(partition(0), assignment: id)
        #expect(core.alignFlow(paused: []) == [.pause(partition(0))], "the pause was refused")
        #expect(core.alignFlow(paused: [partition(0)]).isEmpty)
        #expect(core.grant(0, assignment: id, from: 0, end: 0, at: now) == [.resume(partition(0))])
        #expect(core.alignFlow(paused: [partition(0)]) == [.resume(partition(0))], "it was paused behind our back")
        #expect(core.alignFlow(paused: [partition(0), partition(1)]) == [.resume(partition(0))])
    }

    @Test("A grant comes before the first request, and a partition without a backlog is caught up at once")
    func grantFirst() {
        var core = ConsumerCore.forTests()
        _ = core.hostStarted(0)
        let actions = core.own(0, from: 5, end: 5, at: now)
        guard case .grant(let grant) = actions.commands.first else { return #expect(Bool(false), "no grant") }
        #expect(actions.commands.last == .caughtUp(assignment: grant.assignment))
    }

    @Test("Hosts are told once that a partition's backlog is known: by offset or by its end")
    func caughtUp() {
        var core = ready(end: 2)
        #expect(core.receive([requestRecord(session: "a", offset: 0)], at: now).commands.count == 1)
        let actions = core.receive([requestRecord(session: "a", offset: 1)], at: now)
        guard case .caughtUp = actions.commands.last else { return #expect(Bool(false), "not caught up") }
        #expect(core.reachedEnd(of: partition(0)).isEmpty)

        var gap = ready(end: 9)
        #expect(gap.reachedEnd(of: partition(0)).count == 1)
    }

    @Test(
        "When a host dies its requests go to the next one in the log's order, with the cause for those that had begun")
    func redispatch() throws {
        var core = ready()
        let first = core.receive(
            [requestRecord(session: "a", offset: 0), requestRecord(session: "b", offset: 1)], at: now
        ).dispatches
        _ = core.reported(.began(entries: [first[1].entry]), by: 0, at: now)
        _ = core.hostDied(0, death: crash, at: now)
        #expect(core.receive([requestRecord(session: "c", offset: 2)], at: now).isEmpty, "nobody to send it to")
        let again = core.hostStarted(0)
        guard case .grant = again.commands.first else { return #expect(Bool(false), "no grant") }
        guard case .caughtUp = again.commands.last else { return #expect(Bool(false), "not caught up") }
        #expect(again.offsets == [0, 1, 2])
        #expect(again.dispatches.map(\.death) == [nil, crash, nil])
        #expect(again.dispatches.map(\.entry).prefix(2) == first.map(\.entry).prefix(2))
    }

    @Test("A session that killed its host twice waits, and the others go on")
    func sessionWaits() throws {
        var core = ready()
        let records = [requestRecord(session: "bad", offset: 0), requestRecord(session: "good", offset: 1)]
        let bad = try #require(core.receive(records, at: now).dispatches.first?.entry)
        func die() {
            _ = core.reported(.began(entries: [bad]), by: 0, at: now)
            _ = core.hostDied(0, death: crash, at: now)
        }
        die()
        #expect(core.hostStarted(0).offsets == [0, 1], "the first time at once")
        die()
        #expect(core.hostStarted(0).offsets == [1])
        let later = [requestRecord(session: "bad", offset: 2), requestRecord(session: "other", offset: 3)]
        #expect(core.receive(later, at: now).offsets == [3], "the whole session waits, in order")
        #expect(core.tick(at: now + .milliseconds(999)).isEmpty)
        #expect(core.tick(at: now + .seconds(1)).offsets == [0, 2])
        die()
        #expect(core.hostStarted(0).offsets == [1, 3])
        #expect(core.tick(at: now + .milliseconds(1_999)).isEmpty)
        #expect(core.tick(at: now + .seconds(2)).offsets == [0, 2])
    }

    @Test("What a host had settled before it died is not dispatched again")
    func settledBeforeDeath() {
        var core = ready()
        let sent = core.receive((0..<2).map { requestRecord(session: "s\($0)", offset: $0) }, at: now).dispatches
        _ = core.reported(.settled(entries: [sent[0].entry]), by: 0, at: now)
        _ = core.hostDied(0, death: crash, at: now)
        #expect(core.hostStarted(0).offsets == [1])
    }

    @Test("A revoked partition waits for every host, then its watermark is committed")
    func revoke() {
        var core = ready(slots: 2)
        let sent = core.receive((0..<4).map { requestRecord(session: "s\($0)", offset: $0) }, at: now).dispatches
        let actions = core.beginRevoke([partition(0)], grace: .seconds(1))
        #expect(actions.commands.count == 2)
        #expect(core.receive([requestRecord(session: "x", offset: 4)], at: now).isEmpty)
        let assignment = sent[0].assignment
        _ = core.reported(.settled(entries: [sent[0].entry]), by: 0, at: now)
        _ = core.reported(.yielded(assignments: [assignment]), by: 0, at: now)
        #expect(!core.isYielded([partition(0)]))
        _ = core.hostDied(1, death: crash, at: now)
        #expect(core.isYielded([partition(0)]), "a dead host holds nothing")
        #expect(core.finishRevoke([partition(0)]) == [partition(0): 1])
        #expect(core.hostStarted(1).isEmpty, "nothing is left to hand over")
    }

    @Test("Of a lost partition nothing is committed, and late reports change nothing")
    func lose() {
        var core = ready()
        let sent = core.receive([requestRecord(session: "a", offset: 0)], at: now).dispatches
        #expect(core.lose([partition(0)]).commands == [.lose(assignments: [sent[0].assignment])])
        #expect(core.reported(.settled(entries: [sent[0].entry]), by: 0, at: now).isEmpty)
        #expect(core.tick(at: now + .seconds(9)).isEmpty)
    }

    @Test("An overtaken fence is taken again once, and the unsettled goes out under a new assignment")
    func refence() throws {
        var core = ready()
        let sent = core.receive((0..<2).map { requestRecord(session: "s\($0)", offset: $0) }, at: now).dispatches
        _ = core.reported(.settled(entries: [sent[0].entry]), by: 0, at: now)
        let old = sent[0].assignment
        #expect(core.reported(.fenced(assignment: old), by: 0, at: now) == [.refence(partition(0), assignment: old)])
        #expect(core.reported(.fenced(assignment: old), by: 0, at: now).isEmpty)
        #expect(core.receive([requestRecord(session: "late", offset: 2)], at: now).dispatches.isEmpty)
        let fence = Fence(group: "g", cluster: "c", topic: requestsTopic, partition: 0, token: 99)
        let actions = core.refenced(partition(0), assignment: old, fence: fence, at: now)
        #expect(actions.commands.first == .lose(assignments: [old]))
        #expect(actions.offsets == [1, 2])
        #expect(actions.dispatches.allSatisfy { $0.assignment != old })
        #expect(core.reported(.settled(entries: [sent[1].entry]), by: 0, at: now).isEmpty, "the old entry is over")
        #expect(core.watermark(of: partition(0)) == 1)
    }

    @Test("A log that went back is identified again, and what came from the old one is dropped")
    func logMadeAgain() {
        var core = ready()
        _ = core.receive([requestRecord(session: "a", offset: 7)], at: now)
        let actions = core.receive(
            [requestRecord(session: "b", offset: 8), requestRecord(session: "a", offset: 0)], at: now)
        #expect(actions.dispatches.isEmpty)
        #expect(actions.contains(.pause(partition(0))))
        guard case .prepare(partition(0), let assignment, _) = actions.last else {
            return #expect(Bool(false), "not prepared")
        }
        #expect(core.isCurrent(partition(0), assignment: assignment))
        #expect(core.watermark(of: partition(0)) == nil)
    }

    @Test("A bad record is dead-lettered, tried again until it is written, and committed only then")
    func deadLetter() {
        var core = ready()
        let record = KafkaRecord(topic: requestsTopic, partition: 0, offset: 0, timestamp: 1, key: Array("a".utf8))
        let actions = core.receive([record], at: now)
        guard case .writeDeadLetter(let entry, record, "tombstone", _)? = actions.first(where: { $0.isDeadLetter })
        else { return #expect(Bool(false), "no dead letter") }
        core.deadLetterFailed(entry: entry, at: now)
        #expect(core.tick(at: now + .milliseconds(999)).isEmpty)
        #expect(core.tick(at: now + .seconds(1)).contains { $0.isDeadLetter })
        #expect(core.tick(at: now + .seconds(90)).isEmpty, "one attempt at a time")
        #expect(core.deadLetterWritten(entry: entry, at: now).commits == [[partition(0): 1]])
    }

    @Test("The bounds pause every partition, and a partition's span pauses that one")
    func bounds() {
        var core = ConsumerCore.forTests(bounds: .init(requests: 4, bytes: 1 << 20, span: 100))
        _ = core.hostStarted(0)
        _ = core.own(0, end: 1_000, at: now)
        _ = core.own(1, at: now)
        let sent = core.receive((0..<4).map { requestRecord(session: "s\($0)", offset: $0) }, at: now)
        #expect(core.paused == [partition(0), partition(1)])
        #expect(sent.commands.contains { if case .caughtUp = $0 { true } else { false } }, "hosts do not wait")
        let entries = sent.dispatches.map(\.entry)
        #expect(!core.reported(.settled(entries: [entries[3]]), by: 0, at: now).contains(.resume(partition(0))))
        let resumed = core.reported(.settled(entries: [entries[2]]), by: 0, at: now)
        #expect(resumed.contains(.resume(partition(0))) && resumed.contains(.resume(partition(1))))
        _ = core.receive([requestRecord(session: "far", offset: 200)], at: now)
        #expect(core.paused == [partition(0)])
    }

    @Test("A partition that goes makes room for the others")
    func roomAfterRevoke() {
        var core = ConsumerCore.forTests(bounds: .init(requests: 4, bytes: 1 << 20, span: 100))
        _ = core.hostStarted(0)
        _ = core.own(0, at: now)
        _ = core.own(1, at: now)
        _ = core.receive((0..<4).map { requestRecord(session: "s\($0)", offset: $0) }, at: now)
        _ = core.beginRevoke([partition(0)], grace: .zero)
        _ = core.finishRevoke([partition(0)])
        #expect(core.tick(at: now) == [.resume(partition(1))])
    }

    @Test("A session's host is the same in every process")
    func stableSlots() {
        #expect(StableHash.of("") == 0xCBF2_9CE4_8422_2325)
        #expect(StableHash.of("foobar") == 0x8594_4171_F739_67E8)
    }
}

extension ConsumerCore.Action {
    var isDeadLetter: Bool { if case .writeDeadLetter = self { true } else { false } }
}
