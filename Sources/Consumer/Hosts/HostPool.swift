import Foundation
import SessionStore
import Synchronization
package import TurnHost

/// The turn hosts: one for each slot, and a spare one that is warm when it is needed.
package final class HostPool: Sendable {
    /// What the pool's owner is told, in the order in which it happened.
    package enum Event: Sendable, Hashable {
        /// There is a configured host for the slot.
        case started(slot: Int, hostID: String)
        case reported(slot: Int, HostReport)
        /// The slot's host is dead; everything that it reported was passed on before.
        case died(slot: Int, HostDeath)
        /// The spare is dead; nothing was lost.
        case spareDied(HostDeath)
    }

    package struct Options: Sendable {
        package var slots: Int
        /// Further slots, which get their hosts only when they are asked for.
        package var slotsOnDemand: Int
        /// In front of a number that makes it unique in this consumer's life.
        package var hostIDPrefix: String
        package var settings: [UInt8]
        package var keepsSpare: Bool
        package var restarts: RestartPolicy

        package init(
            slots: Int, slotsOnDemand: Int = 0, hostIDPrefix: String, settings: [UInt8], keepsSpare: Bool = true,
            restarts: RestartPolicy = RestartPolicy()
        ) {
            self.slots = max(slots, 1)
            self.slotsOnDemand = slotsOnDemand
            self.hostIDPrefix = hostIDPrefix
            self.settings = settings
            self.keepsSpare = keepsSpare
            self.restarts = restarts
        }
    }

    private struct Member {
        var hostID: String
        var host: (any RunningHost)?
        /// Nil for the spare.
        var slot: Int?
        /// Something has begun in it.
        var hasWorked = false
    }

    private struct State {
        var members: [Int: Member] = [:]
        var places: HostPlaces
        var started = 0
        var isStopping = false
        var events: [Event] = []
        var isTelling = false

        /// A spare that has not been started yet (its member has no host) takes the slot when it is.
        /// - Returns: the place that wants a host now: the spare's, or the slot's own if there was no spare.
        mutating func promoteSpare(to slot: Int) -> Int? {
            guard let number = places[nil].member, var member = members[number] else { return slot }
            places[nil].member = nil
            member.slot = slot
            members[number] = member
            places[slot].member = number
            if member.host != nil { events.append(.started(slot: slot, hostID: member.hostID)) }
            return nil
        }

        /// Takes a dead host out.
        /// - Returns: the place that wants a host now (`nil` for the spare's), and how long it has to wait for one.
        mutating func bury(
            _ number: Int, _ death: HostDeath, at now: ContinuousClock.Instant
        ) -> (slot: Int?, delay: Duration)? {
            guard let dead = members.removeValue(forKey: number) else { return nil }
            places[dead.slot].member = nil
            let delay = places[dead.slot].restarts.died(hasWorked: dead.hasWorked, at: now)
            var vacant = dead.slot
            if let slot = dead.slot {
                events.append(.died(slot: slot, death))
                vacant = promoteSpare(to: slot)
            } else {
                events.append(.spareDied(death))
            }
            guard !isStopping else { return nil }
            places[vacant].isWaiting = true
            return (vacant, delay)
        }
    }

    private let options: Options
    private let factory: HostFactory
    private let onEvent: @Sendable (Event) -> Void
    private let state: Mutex<State>
    private let timers = DispatchQueue(label: "carryon.host-pool")

    /// `onEvent` is called one event at a time, on whichever thread an event comes from; it must not block.
    package init(options: Options, factory: HostFactory, onEvent: @escaping @Sendable (Event) -> Void) {
        self.options = options
        self.factory = factory
        self.onEvent = onEvent
        let places = HostPlaces(
            slots: options.slots, onDemand: options.slotsOnDemand, keepsSpare: options.keepsSpare,
            restarts: options.restarts)
        state = Mutex(State(places: places))
    }

    /// Starts a host for every slot that is not on demand, and the spare.
    package func start() {
        fill()
    }

    /// A slot on demand is to have a host from now on. Does not block.
    package func demand(slot: Int) {
        state.withLock { state in
            guard !state.isStopping, !state.places[slot].isWanted else { return }
            state.places[slot].isWanted = true
            _ = state.promoteSpare(to: slot)
        }
        tell()
        timers.async { self.fill() }
    }

    /// To the slot's host, if there is one: what a dead host missed is sent again to the next.
    package func send(_ command: HostCommand, to slot: Int) {
        let host = state.withLock { state in state.places[slot].member.flatMap { state.members[$0]?.host } }
        host?.send(command)
    }

    /// Ends the slot's host, for a reason that counts as a crash of its own.
    package func breakOff(slot: Int, because reason: String) {
        let host = state.withLock { state in state.places[slot].member.flatMap { state.members[$0]?.host } }
        host?.breakOff(because: reason)
    }

    /// Every slot's host, as it is now.
    package var hosts: [(slot: Int, hostID: String, processID: Int32?)] {
        let members = state.withLock { Array($0.members.values) }
        return members.compactMap { member in
            member.slot.map { ($0, member.hostID, member.host?.processID) }
        }.sorted { $0.slot < $1.slot }
    }

    /// Closes every host's border, and kills what has not ended within `grace`. No host is started any more.
    package func stop(grace: Duration) async {
        let hosts = state.withLock { state in
            state.isStopping = true
            return state.members.values.compactMap(\.host)
        }
        for host in hosts { host.close() }
        await waitUntilEnded(within: grace)
        for host in hosts { host.kill() }
        await waitUntilEnded(within: .seconds(5))
    }

    /// A host in this process has no end to wait for.
    private func waitUntilEnded(within grace: Duration) async {
        let deadline = ContinuousClock.now + grace
        while ContinuousClock.now < deadline {
            if state.withLock({ $0.members.values.allSatisfy { $0.host?.processID == nil } }) { return }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Starts what is missing: slots first.
    private func fill() {
        while true {
            let next = state.withLock { state -> (member: Int, hostID: String)? in
                guard !state.isStopping, let vacancy = state.places.vacancy else { return nil }
                state.started += 1
                let number = state.started
                let hostID = "\(options.hostIDPrefix)-\(number)"
                state.members[number] = Member(hostID: hostID, host: nil, slot: vacancy.slot)
                state.places[vacancy.slot].member = number
                return (number, hostID)
            }
            guard let next else { return }
            startHost(next.member, hostID: next.hostID)
        }
    }

    private func startHost(_ member: Int, hostID: String) {
        let host = factory.start(
            hostID,
            { self.reported($0, by: member) },
            { self.died(member, $0) })
        host.send(.configure(hostID: hostID, settings: options.settings))
        state.withLock { state in
            // It may have died before its start returned; it may also be a slot's by now, the spare's no longer.
            state.members[member]?.host = host
            guard let slot = state.members[member]?.slot else { return }
            state.events.append(.started(slot: slot, hostID: hostID))
        }
        tell()
    }

    private func reported(_ report: HostReport, by member: Int) {
        state.withLock { state in
            guard let slot = state.members[member]?.slot else { return }
            if case .began = report { state.members[member]?.hasWorked = true }
            state.events.append(.reported(slot: slot, report))
        }
        tell()
    }

    private func died(_ member: Int, _ death: HostDeath) {
        let wait = state.withLock { $0.bury(member, death, at: .now) }
        tell()
        guard let wait else { return }
        timers.asyncAfter(deadline: .now() + wait.delay.seconds) {
            self.state.withLock { $0.places[wait.slot].isWaiting = false }
            self.fill()
        }
    }

    /// Passes events on in order, from one thread at a time and outside the lock.
    private func tell() {
        while true {
            let events = state.withLock { state -> [Event]? in
                if state.isTelling || state.events.isEmpty { return nil }
                state.isTelling = true
                defer { state.events = [] }
                return state.events
            }
            guard let events else { return }
            for event in events { onEvent(event) }
            state.withLock { $0.isTelling = false }
        }
    }
}
