import Consumer
import Kafka
import SessionStore
import Testing
import TurnHost

@Suite("Stops that overtake the backlog")
struct StopAheadTests {
    private let now = ContinuousClock.now
    private let crash = HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "host-1")

    private func ready(slots: Int = 1) -> ConsumerCore {
        var core = ConsumerCore.forTests(slots: slots)
        for slot in 0..<slots { _ = core.hostStarted(slot) }
        _ = core.own(0, at: now)
        return core
    }

    private func scout(
        _ core: inout ConsumerCore, _ stops: [FastLane.Stop], upTo next: Int64, assignment: Int64? = nil
    ) -> [ConsumerCore.Action] {
        let id = assignment ?? core.status(at: now).partitions[0].assignment
        return core.scouted([partition(0): .init(assignment: id, stops: stops, next: next)])
    }

    @Test("A stop that was found goes to its session's host at once, and again with what it stops")
    func handedOver() throws {
        var core = ready(slots: 2)
        let slot = core.slot(of: "a")
        _ = core.receive([requestRecord(session: "a", offset: 0)], at: now)
        let stop = FastLane.Stop(session: "a", offset: 90, reason: "enough", idempotencyKey: "k")
        let assignment = core.status(at: now).partitions[0].assignment
        let ahead = HostCommand.stopAhead([
            StopAhead(assignment: assignment, session: "a", offset: 90, reason: "enough", idempotencyKey: "k")
        ])
        #expect(scout(&core, [stop], upTo: 100) == [.send(slot: slot, ahead)])
        #expect(scout(&core, [stop], upTo: 100).isEmpty, "it is known")
        #expect(core.receive([requestRecord(session: "b", offset: 1)], at: now).commands.count == 1)
        let next = core.receive(
            [requestRecord(session: "a", offset: 2), requestRecord(session: "a", offset: 3)], at: now)
        #expect(next.last == .send(slot: slot, ahead), "behind what it stops")
        #expect(next.stopsAhead.count == 1)
        let inPlace = core.receive([requestRecord(session: "a", offset: 90, type: "stop")], at: now)
        #expect(inPlace.stopsAhead.isEmpty, "intake has it")
        #expect(core.receive([requestRecord(session: "a", offset: 91)], at: now).stopsAhead.isEmpty)
    }

    @Test("A stop is handed over again after a host's death, and under a new fence")
    func handedOverAgain() throws {
        var core = ready()
        _ = core.receive([requestRecord(session: "a", offset: 0)], at: now)
        _ = scout(&core, [FastLane.Stop(session: "a", offset: 90)], upTo: 100)
        _ = core.hostDied(0, death: crash, at: now)
        let restarted = core.hostStarted(0)
        #expect(restarted.stopsAhead.map(\.offset) == [90])
        let old = core.status(at: now).partitions[0].assignment
        _ = core.reported(.fenced(assignment: old), by: 0, at: now)
        #expect(scout(&core, [FastLane.Stop(session: "a", offset: 120)], upTo: 130).isEmpty, "nobody may act on it now")
        let fence = Fence(group: "g", cluster: "c", topic: requestsTopic, partition: 0, token: 99)
        let again = core.refenced(partition(0), assignment: old, fence: fence, at: now)
        let assignment = core.status(at: now).partitions[0].assignment
        #expect(
            again.stopsAhead == [90, 120].map { StopAhead(assignment: assignment, session: "a", offset: $0) })
    }

    @Test("What a scout finds that is too late, of another assignment or behind intake changes nothing")
    func tooLate() {
        var core = ready()
        _ = core.receive([requestRecord(session: "a", offset: 0), requestRecord(session: "b", offset: 50)], at: now)
        #expect(scout(&core, [FastLane.Stop(session: "a", offset: 50)], upTo: 51).isEmpty)
        #expect(scout(&core, [FastLane.Stop(session: "a", offset: 60)], upTo: 61, assignment: 77).isEmpty)
        _ = core.beginRevoke([partition(0)], grace: .zero)
        #expect(scout(&core, [FastLane.Stop(session: "a", offset: 60)], upTo: 61).isEmpty)
        #expect(core.receive([requestRecord(session: "a", offset: 51)], at: now).stopsAhead.isEmpty)
    }

    @Test("A paused partition is scouted from where intake stands, and on from where the scout was")
    func targets() {
        var core = ConsumerCore.forTests(bounds: .init(requests: 2, bytes: 1 << 20, span: 100))
        _ = core.hostStarted(0)
        _ = core.own(0, at: now)
        #expect(core.partitionsToMeasure.isEmpty, "an idle partition costs nothing")
        let sent = core.receive((0..<2).map { requestRecord(session: "s\($0)", offset: $0) }, at: now)
        #expect(core.partitionsToMeasure == [partition(0)])
        let isWanted = core.measured([:], at: now)
        #expect(isWanted)
        #expect(core.scoutTargets.mapValues(\.from) == [partition(0): 2])
        _ = scout(&core, [], upTo: 40)
        #expect(core.scoutTargets.mapValues(\.from) == [partition(0): 40])
        _ = core.reported(.settled(entries: sent.dispatches.map(\.entry)), by: 0, at: now)
        #expect(core.paused.isEmpty)
        let isStillWanted = core.measured([partition(0): 2], at: now)
        #expect(isStillWanted, "the scout knows of more")
        #expect(core.scoutTargets.mapValues(\.from) == [partition(0): 40])
        _ = core.hold(for: .drain)
        #expect(core.partitionsToMeasure.isEmpty && core.scoutTargets.isEmpty)
    }

    @Test("At the live edge nobody scouts")
    func liveEdge() {
        var core = ready()
        var time = now
        for offset in 0..<50 as Range<Int64> {
            time += .milliseconds(20)
            _ = core.receive([requestRecord(session: "a", offset: offset)], at: time)
            let isWanted = core.measured([partition(0): offset + 1], at: time)
            #expect(!isWanted)
        }
        #expect(core.partitionsToMeasure.isEmpty)
    }
}

extension [ConsumerCore.Action] {
    var stopsAhead: [StopAhead] {
        commands.flatMap { if case .stopAhead(let stops) = $0 { stops } else { [StopAhead]() } }
    }
}
