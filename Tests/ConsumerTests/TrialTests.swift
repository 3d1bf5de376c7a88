import Consumer
import Kafka
import SessionStore
import Testing
import TurnHost

@Suite("Deaths in company")
struct TrialTests {
    private let now = ContinuousClock.now
    private let trialSlot = 1

    /// One slot, its host up, with a request of each of these sessions dispatched and begun.
    private func running(_ sessions: [String], trialSlots: Int = 1) -> ConsumerCore {
        var core = ConsumerCore.forTests(slots: 1, trialSlots: trialSlots)
        _ = core.hostStarted(0)
        _ = core.own(0, at: now)
        let records = sessions.enumerated().map { requestRecord(session: $1, offset: Int64($0)) }
        begin(core.receive(records, at: now), in: 0, of: &core)
        return core
    }

    private func begin(_ actions: [ConsumerCore.Action], in slot: Int, of core: inout ConsumerCore) {
        _ = core.reported(.began(entries: actions.dispatches(to: slot).map(\.entry)), by: slot, at: now)
    }

    private func crash(_ slot: Int, of core: inout ConsumerCore) -> [ConsumerCore.Action] {
        core.hostDied(slot, death: HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "h"), at: now)
    }

    /// Two deaths of the ordinary host with everything begun, then the trial's host is up.
    private func onTrial(_ sessions: [String]) -> (core: ConsumerCore, actions: [ConsumerCore.Action]) {
        var core = running(sessions)
        _ = crash(0, of: &core)
        begin(core.hostStarted(0), in: 0, of: &core)
        _ = crash(0, of: &core)
        let actions = core.hostStarted(trialSlot)
        return (core, actions)
    }

    @Test("The first death in company costs nobody anything: everything goes on at once, in the same slot")
    func firstDeath() {
        var core = running(["a", "b", "c"])
        #expect(crash(0, of: &core).isEmpty)
        let again = core.hostStarted(0).dispatches(to: 0)
        #expect(again.map(\.session) == ["a", "b", "c"])
        #expect(again.map(\.death?.isInCompany) == [true, true, true])
        #expect(again.map(\.death?.runEnd) == [.crashedInCompany, .crashedInCompany, .crashedInCompany])
        #expect(again.map(\.death?.cause) == ["SIGSEGV", "SIGSEGV", "SIGSEGV"])
    }

    @Test("A host that dies before it has recorded how the one before it died takes nothing of that with it")
    func earlierDeaths() throws {
        var core = running(["a", "b"])
        _ = core.hostDied(0, death: HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "h1"), at: now)
        begin(core.hostStarted(0), in: 0, of: &core)
        _ = core.hostDied(0, death: HostDeath(kind: .handover, cause: "stopped", hostID: "h2"), at: now)
        let death = try #require(core.hostStarted(0).dispatches(to: 0).first?.death)
        #expect(death.hostID == "h2")
        #expect(death.earlier.map(\.hostID) == ["h1"])
        #expect(death.earlier.map(\.runEnd) == [.crashedInCompany])
    }

    @Test("A session alone in its host is charged with the death, whoever was waiting there too")
    func alone() {
        var core = running(["a"])
        _ = core.receive([requestRecord(session: "b", offset: 1)], at: now)
        _ = crash(0, of: &core)
        #expect(core.hostStarted(0).dispatches(to: 0).map(\.death?.runEnd) == [.crashed, nil])
    }

    @Test("After the second death a host of its own is asked for, and half of the suspects go there")
    func secondDeath() {
        var core = running(["a", "b", "c", "d"])
        _ = crash(0, of: &core)
        begin(core.hostStarted(0), in: 0, of: &core)
        #expect(crash(0, of: &core) == [.startTrialHost(slot: trialSlot)])
        #expect(core.hostStarted(0).dispatches(to: 0).isEmpty)
        #expect(core.hostStarted(trialSlot).dispatches(to: trialSlot).map(\.session) == ["a", "b"])
    }

    @Test("With two trial hosts both halves are tried at once, each in a host of its own")
    func twoHosts() {
        var core = running(["a", "b", "c", "d"], trialSlots: 2)
        _ = crash(0, of: &core)
        begin(core.hostStarted(0), in: 0, of: &core)
        #expect(crash(0, of: &core) == [.startTrialHost(slot: 1), .startTrialHost(slot: 2)])
        let first = core.hostStarted(1)
        let second = core.hostStarted(2)
        #expect(first.dispatches(to: 1).map(\.session) == ["a", "b"])
        #expect(second.dispatches(to: 2).map(\.session) == ["c", "d"])
        begin(first, in: 1, of: &core)
        begin(second, in: 2, of: &core)
        let free = core.reported(.settled(entries: second.dispatches(to: 2).map(\.entry)), by: 2, at: now)
        #expect(free.dispatches.isEmpty)
        let halved = crash(1, of: &core)
        #expect(halved.dispatches(to: 2).map(\.session) == ["a"], "the host that is free takes the next group")
        #expect(core.hostStarted(1).dispatches(to: 1).map(\.session) == ["b"])
    }

    @Test("Those that nobody suspects go on in their slots meanwhile")
    func othersGoOn() {
        var (core, _) = onTrial(["a", "b"])
        _ = core.hostStarted(0)
        let actions = core.receive([requestRecord(session: "other", offset: 2)], at: now)
        #expect(actions.dispatches(to: 0).map(\.session) == ["other"])
    }

    @Test("A session's later requests follow it to its trial, and wait with it")
    func laterRequests() {
        var (core, _) = onTrial(["a", "b"])
        _ = core.hostStarted(0)
        let records = [requestRecord(session: "a", offset: 2), requestRecord(session: "b", offset: 3)]
        let actions = core.receive(records, at: now)
        #expect(actions.dispatches.map(\.session) == ["a"])
        #expect(actions.dispatches(to: trialSlot).map(\.session) == ["a"])
    }

    @Test("Suspects that settle are acquitted: they go back to their slot, and the next group is tried")
    func acquitted() throws {
        var (core, actions) = onTrial(["a", "b"])
        _ = core.hostStarted(0)
        let entry = try #require(actions.dispatches(to: trialSlot).first?.entry)
        begin(actions, in: trialSlot, of: &core)
        actions = core.reported(.settled(entries: [entry]), by: trialSlot, at: now)
        #expect(actions.dispatches(to: trialSlot).map(\.session) == ["b"])
        let later = core.receive([requestRecord(session: "a", offset: 2)], at: now)
        #expect(later.dispatches(to: 0).map(\.session) == ["a"])
    }

    @Test(
        "The trial's host that dies with one session in it is that one's death; its next attempt waits, not the others")
    func found() {
        var (core, actions) = onTrial(["a", "b"])
        begin(actions, in: trialSlot, of: &core)
        _ = crash(trialSlot, of: &core)
        actions = core.hostStarted(trialSlot)
        #expect(actions.dispatches(to: trialSlot).map(\.session) == ["b"], "the others first")
        begin(actions, in: trialSlot, of: &core)
        let entry = actions.dispatches(to: trialSlot)[0].entry
        actions = core.reported(.settled(entries: [entry]), by: trialSlot, at: now)
        #expect(actions.dispatches(to: trialSlot).map(\.session) == ["a"])
        #expect(actions.dispatches.map(\.death?.runEnd) == [.crashed])
        begin(actions, in: trialSlot, of: &core)
        _ = crash(trialSlot, of: &core)
        #expect(core.hostStarted(trialSlot).dispatches.isEmpty)
        #expect(core.tick(at: now + .milliseconds(999)).dispatches.isEmpty)
        #expect(core.tick(at: now + .seconds(1)).dispatches(to: trialSlot).map(\.session) == ["a"])
    }

    @Test("A second death alone has its next attempt tried apart, after its delay")
    func secondDeathAlone() {
        var core = running(["a"])
        _ = crash(0, of: &core)
        begin(core.hostStarted(0), in: 0, of: &core)
        #expect(crash(0, of: &core) == [.startTrialHost(slot: trialSlot)])
        #expect(core.hostStarted(0).dispatches.isEmpty)
        #expect(core.hostStarted(trialSlot).dispatches.isEmpty)
        #expect(core.tick(at: now + .seconds(1)).dispatches(to: trialSlot).map(\.session) == ["a"])
    }

    @Test("Suspects whose partition goes are forgotten, and hold nobody up")
    func partitionGoes() {
        var (core, _) = onTrial(["a", "b"])
        _ = core.hostStarted(0)
        _ = core.lose([partition(0)])
        _ = core.tick(at: now)
        _ = core.own(0, at: now)
        let records = ["a", "b"].enumerated().map { requestRecord(session: $1, offset: Int64($0)) }
        #expect(core.receive(records, at: now).dispatches(to: 0).map(\.session) == ["a", "b"])
    }

    @Test("Suspects whose fence is being taken again are tried once it is, and are not acquitted for it")
    func refencedMeanwhile() throws {
        var core = running(["a", "b"])
        _ = crash(0, of: &core)
        let again = core.hostStarted(0)
        begin(again, in: 0, of: &core)
        let assignment = try #require(again.dispatches.first?.assignment)
        _ = core.reported(.fenced(assignment: assignment), by: 0, at: now)
        _ = crash(0, of: &core)
        _ = core.hostStarted(0)
        #expect(core.hostStarted(trialSlot).dispatches.isEmpty)
        let fence = Fence(group: "g", cluster: "c", topic: requestsTopic, partition: 0, token: 9)
        var actions = core.refenced(partition(0), assignment: assignment, fence: fence, at: now)
        actions += core.tick(at: now)
        #expect(actions.dispatches(to: 0).isEmpty)
        #expect(actions.dispatches(to: trialSlot).map(\.session) == ["a"])
    }

    @Test("A host that was asked to stop makes no suspects")
    func handover() {
        var core = running(["a", "b"])
        for _ in 0..<5 {
            _ = core.hostDied(0, death: HostDeath(kind: .handover, cause: "stopped", hostID: "h"), at: now)
            let again = core.hostStarted(0)
            #expect(again.dispatches(to: 0).map(\.death?.runEnd) == [.handover, .handover])
            begin(again, in: 0, of: &core)
        }
    }
}
