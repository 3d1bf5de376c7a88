import Consumer
import Kafka
import SessionStore
import Testing
import TurnHost

@Suite("How the hosts are")
struct VitalsTests {
    private let now = ContinuousClock.now

    private func running() -> ConsumerCore {
        var core = ConsumerCore.forTests(slots: 2)
        _ = core.hostStarted(0)
        _ = core.hostStarted(1)
        return core
    }

    @Test("Each host is asked, and not again before it has answered")
    func asking() {
        var core = running()
        #expect(core.askVitals(at: now) == [.send(slot: 0, .askVitals), .send(slot: 1, .askVitals)])
        #expect(core.askVitals(at: now).isEmpty)
        _ = core.reported(.vitals(HostVitals(running: 3)), by: 1, at: now)
        #expect(core.askVitals(at: now) == [.send(slot: 1, .askVitals)])
        #expect(core.status(at: now).hosts.map(\.vitals?.running) == [nil, 3])
    }

    @Test("A host that owes its answer for too long is ended, once; one that answers late is left alone")
    func silence() {
        var core = running()
        _ = core.askVitals(at: now)
        _ = core.reported(.vitals(HostVitals()), by: 0, at: now + .seconds(59))
        let overdue = core.breakOffHosts(silentFor: .seconds(60), at: now + .seconds(61))
        #expect(overdue == [.breakOff(slot: 1, reason: "has not answered for 60.0 seconds")])
        #expect(core.breakOffHosts(silentFor: .seconds(60), at: now + .seconds(62)).isEmpty)
    }

    @Test("The next host of a slot owes nothing for the one before")
    func replaced() {
        var core = running()
        _ = core.askVitals(at: now)
        _ = core.hostDied(0, death: HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "h"), at: now)
        _ = core.hostStarted(0)
        _ = core.reported(.vitals(HostVitals()), by: 1, at: now)
        #expect(core.breakOffHosts(silentFor: .seconds(60), at: now + .seconds(120)).isEmpty)
    }

    @Test("The store is away as long as one host says so")
    func storeAway() {
        var core = running()
        _ = core.reported(.vitals(HostVitals(storeAway: .seconds(1))), by: 0, at: now)
        _ = core.reported(.vitals(HostVitals()), by: 1, at: now)
        #expect(core.isStoreAwayForAHost)
        _ = core.reported(.vitals(HostVitals()), by: 0, at: now)
        #expect(!core.isStoreAwayForAHost)
    }

    @Test("What is held for two reasons goes on when both are gone, and a partition that comes meanwhile is held too")
    func holds() {
        var core = running()
        _ = core.own(0, at: now)
        #expect(core.hold(for: .quiet) == [.pause(partition(0))])
        #expect(core.hold(for: .storeAway).isEmpty)
        #expect(core.own(1, at: now).contains(.pause(partition(1))))
        #expect(core.release(from: .quiet).isEmpty)
        #expect(core.release(from: .storeAway) == [.resume(partition(0)), .resume(partition(1))])
        #expect(core.release(from: .storeAway).isEmpty)
    }

    @Test("The first unsettled request of a partition is named, with what it waits for")
    func head() throws {
        var core = ConsumerCore.forTests(slots: 1)
        _ = core.own(0, at: now)
        _ = core.receive([requestRecord(session: "a", offset: 3), requestRecord(session: "b", offset: 4)], at: now)
        let later = now + .seconds(7)
        #expect(core.heads(at: later)[partition(0)]?.state == "waiting for its host")
        let dispatched = core.hostStarted(0).dispatches
        #expect(core.heads(at: later)[partition(0)]?.state == "queued in the host of slot 0")
        _ = core.reported(.began(entries: dispatched.map(\.entry)), by: 0, at: now)
        let head = try #require(core.heads(at: later)[partition(0)])
        #expect((head.offset, head.session, head.age) == (3, "a", .seconds(7)))
        #expect(head.state == "running in the host of slot 0")
        _ = core.reported(.settled(entries: dispatched.map(\.entry)), by: 0, at: now)
        #expect(core.heads(at: later).isEmpty)
    }
}
