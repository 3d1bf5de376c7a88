import Consumer
import Kafka
import SessionStore
import Testing
import TurnHost

@Suite("What is changed while the consumer runs")
struct LiveTests {
    private let now = ContinuousClock.now
    private let tuning = HostTuning(concurrency: 2, crashAttempts: 1, outOfMemoryAttempts: 1)
    private let parked = [ParkedSession(session: "s", reason: "broken", since: 1)]

    /// Two partitions, one host.
    private func ready() -> ConsumerCore {
        var core = ConsumerCore.forTests()
        _ = core.hostStarted(0)
        for number: Int32 in 0...1 { _ = core.own(number, at: now) }
        return core
    }

    private func assignment(_ number: Int32, of core: ConsumerCore) -> Int64 {
        core.status(at: now).partitions.first { $0.partition == partition(number) }?.assignment ?? -1
    }

    @Test("A change goes to every host that is up, and to later ones before their first grant")
    func adjusting() {
        var core = ConsumerCore.forTests(slots: 2)
        _ = core.hostStarted(0)
        _ = core.own(0, at: now)
        #expect(core.adjust(tuning) == [.send(slot: 0, .adjust(tuning))])
        #expect(core.adjust(tuning).isEmpty, "it is no change")
        let later = core.hostStarted(1).commands
        #expect(later.first == .adjust(tuning))
        #expect(later.count == 3)
    }

    @Test("Hosts are told which sessions are parked when that changes, and by the newest reading only")
    func parking() {
        var core = ready()
        let (first, second) = (core.beginReadingParks(), core.beginReadingParks())
        #expect(core.readParks(parked, number: second) == [.send(slot: 0, .park(parked))])
        #expect(core.readParks([], number: first).isEmpty, "it was begun before the other, and came late")
        #expect(core.status(at: now).parkedSessions == 1)
        let third = core.beginReadingParks()
        #expect(core.readParks(parked, number: third).isEmpty)
        _ = core.hostDied(0, death: HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "h"), at: now)
        #expect(core.hostStarted(0).commands.first == .park(parked))
        let fourth = core.beginReadingParks()
        #expect(core.readParks([], number: fourth) == [.send(slot: 0, .park([]))])
    }

    @Test("A halted partition stands still while another goes on, and goes on in its order where it stood")
    func halting() {
        var core = ready()
        let halted = core.halt(partition(0), because: "a bad batch")
        #expect(halted.contains(.pause(partition(0))))
        #expect(halted.commands.contains(.pause(assignments: [assignment(0, of: core)])))
        #expect(core.halt(partition(0), because: "still").isEmpty)
        // What was polled already still comes in.
        let batch = (0...2).map { requestRecord(session: "a", offset: $0) }
        #expect(
            core.receive(batch + [requestRecord(session: "b", partition: 1, offset: 0)], at: now)
                .dispatches.map(\.session) == ["b"])
        let status = core.status(at: now).partitions[0]
        #expect(status.haltReason == "still")
        #expect(status.head?.state == "its partition is paused: still")
        #expect(core.tick(at: now + .seconds(3_600)).dispatches.isEmpty)
        #expect(core.alignFlow(paused: []) == [.pause(partition(0))])

        let resumed = core.goOn(partition(0))
        #expect(resumed.contains(.resume(partition(0))))
        #expect(resumed.commands.first == .resume(assignments: [assignment(0, of: core)]))
        #expect(resumed.offsets == [0, 1, 2])
        #expect(core.goOn(partition(0)).isEmpty)
    }

    @Test("A halt outlives the partition's way to another worker and back, and a host's death")
    func outlives() {
        var core = ready()
        _ = core.halt(partition(0), because: "why")
        _ = core.lose([partition(0)])
        let back = core.own(0, at: now)
        #expect(back.contains(.pause(partition(0))))
        let pause = HostCommand.pause(assignments: [assignment(0, of: core)])
        #expect(back.commands.contains(pause))
        #expect(core.receive([requestRecord(session: "a", offset: 0)], at: now).dispatches.isEmpty)
        _ = core.hostDied(0, death: HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "h"), at: now)
        let again = core.hostStarted(0)
        #expect(again.commands.contains(pause))
        #expect(again.dispatches.isEmpty)
        #expect(core.goOn(partition(0)).offsets == [0])
    }

    @Test("A partition can be halted before it is anybody's")
    func beforeAssignment() {
        var core = ConsumerCore.forTests()
        _ = core.hostStarted(0)
        #expect(core.halt(partition(3), because: "why").isEmpty)
        #expect(core.own(3, at: now).contains(.pause(partition(3))))
        #expect(core.holds.isEmpty && core.partitions == [partition(3)])
    }

    @Test("What is held for another reason too stays held when a halt ends")
    func otherReasons() {
        var core = ready()
        _ = core.halt(partition(0), because: "why")
        _ = core.hold(for: .quiet)
        #expect(!core.goOn(partition(0)).contains(.resume(partition(0))))
        #expect(core.release(from: .quiet).contains(.resume(partition(0))))
    }

    @Test("A stop in a halted partition still ends the turn that runs")
    func stops() {
        var core = ready()
        _ = core.receive([requestRecord(session: "a", offset: 0)], at: now)
        _ = core.halt(partition(0), because: "why")
        #expect(core.partitionsToMeasure.contains(partition(0)))
        let isScouted = core.measured([partition(0): 2], at: now)
        #expect(isScouted)
        let stop = FastLane.Stop(
            session: "a", offset: 1, reason: nil, idempotencyKey: nil, forwardedFrom: nil)
        let actions = core.scouted([
            partition(0): .init(assignment: assignment(0, of: core), stops: [stop], next: 2)
        ])
        #expect(actions.commands.contains { if case .stopAhead(let stops) = $0 { stops.count == 1 } else { false } })
    }
}
