import Consumer
import SessionStore
import Synchronization
import Testing
import TestSupport
import TurnHost

/// Hosts without processes, which die when they are told to.
final class FakeHosts: Sendable {
    final class Host: RunningHost {
        let hostID: String
        let onReport: @Sendable (HostReport) -> Void
        let onDeath: @Sendable (HostDeath) -> Void
        private let state = Mutex<(commands: [HostCommand], isClosed: Bool)>(([], false))
        private let onCommand: @Sendable (Host, HostCommand) -> Void

        init(
            hostID: String, onReport: @escaping @Sendable (HostReport) -> Void,
            onDeath: @escaping @Sendable (HostDeath) -> Void,
            onCommand: @escaping @Sendable (Host, HostCommand) -> Void
        ) {
            self.hostID = hostID
            self.onReport = onReport
            self.onDeath = onDeath
            self.onCommand = onCommand
        }

        var commands: [HostCommand] { state.withLock { $0.commands } }
        var isClosed: Bool { state.withLock { $0.isClosed } }
        var processID: Int32? { nil }
        func send(_ command: HostCommand) {
            state.withLock { $0.commands.append(command) }
            onCommand(self, command)
        }
        func close() { state.withLock { $0.isClosed = true } }
        func terminate() { close() }
        func kill() { close() }
        func breakOff(because reason: String) { close() }
        func crash() { onDeath(HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: hostID)) }
    }

    private let hosts = Mutex<[Host]>([])
    private let onCommand: @Sendable (Host, HostCommand) -> Void

    init(onCommand: @escaping @Sendable (Host, HostCommand) -> Void = { _, _ in }) {
        self.onCommand = onCommand
    }

    var all: [Host] { hosts.withLock { $0 } }

    func named(_ hostID: String) -> Host? { all.first { $0.hostID == hostID } }

    var factory: HostFactory {
        HostFactory { hostID, onReport, onDeath in
            let host = Host(hostID: hostID, onReport: onReport, onDeath: onDeath, onCommand: self.onCommand)
            self.hosts.withLock { $0.append(host) }
            return host
        }
    }
}

@Suite("Host pool")
struct HostPoolTests {
    private final class Events: Sendable {
        private let state = Mutex<[HostPool.Event]>([])
        var all: [HostPool.Event] { state.withLock { $0 } }
        func add(_ event: HostPool.Event) { state.withLock { $0.append(event) } }
    }

    private func pool(_ hosts: FakeHosts, _ events: Events) -> HostPool {
        HostPool(
            options: .init(slots: 2, hostIDPrefix: "w", settings: [1]), factory: hosts.factory,
            onEvent: { events.add($0) })
    }

    @Test("Every slot has a host, and a spare is configured beside them")
    func start() {
        let (hosts, events) = (FakeHosts(), Events())
        let pool = pool(hosts, events)
        pool.start()
        #expect(events.all == [.started(slot: 0, hostID: "w-1"), .started(slot: 1, hostID: "w-2")])
        #expect(hosts.all.map(\.commands) == ["w-1", "w-2", "w-3"].map { [.configure(hostID: $0, settings: [1])] })
    }

    @Test("A dead host's slot goes to the spare at once, after the death was told, and another spare is started")
    func spareTakesOver() async throws {
        let (hosts, events) = (FakeHosts(), Events())
        let pool = pool(hosts, events)
        pool.start()
        let first = try #require(hosts.named("w-1"))
        first.onReport(.settled(entries: [1]))
        first.crash()
        let death = HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "w-1")
        #expect(
            events.all.suffix(3) == [
                .reported(slot: 0, .settled(entries: [1])), .died(slot: 0, death), .started(slot: 0, hostID: "w-3"),
            ])
        pool.send(.caughtUp(assignment: 1), to: 0)
        #expect(hosts.named("w-3")?.commands.last == .caughtUp(assignment: 1))
        try await eventually(timeout: .seconds(5)) { hosts.all.count == 4 }
        #expect(events.all.last == .started(slot: 0, hostID: "w-3"), "the new spare is nobody's host yet")
    }

    /// Longer than any test: a place that waits at all is seen to wait.
    private static let endless = RestartPolicy(
        delays: RetryDelay(first: .seconds(600), longest: .seconds(600), jitter: 0))

    @Test("Without a spare a slot waits for its own next host, whatever the other slots wait for")
    func withoutSpare() async throws {
        let (hosts, events) = (FakeHosts(), Events())
        let pool = HostPool(
            options: .init(
                slots: 2, hostIDPrefix: "w", settings: [], keepsSpare: false, restarts: Self.endless),
            factory: hosts.factory, onEvent: { events.add($0) })
        pool.start()
        try #require(hosts.named("w-1")).crash()
        try await eventually(timeout: .seconds(20)) { events.all.last == .started(slot: 0, hostID: "w-3") }
        try #require(hosts.named("w-3")).crash()
        try #require(hosts.named("w-2")).crash()
        try await eventually(timeout: .seconds(20)) { events.all.last == .started(slot: 1, hostID: "w-4") }
        #expect(hosts.all.count == 4, "a second death in a row waits")
    }

    @Test("Hosts that die of their work are replaced at once")
    func deathsByWork() async throws {
        let (hosts, events) = (FakeHosts(), Events())
        let pool = HostPool(
            options: .init(slots: 1, hostIDPrefix: "w", settings: [], restarts: Self.endless),
            factory: hosts.factory, onEvent: { events.add($0) })
        pool.start()
        for number in 1...6 {
            try await eventually(timeout: .seconds(20)) { hosts.named("w-\(number + 1)") != nil }
            let host = try #require(hosts.named("w-\(number)"))
            host.onReport(.began(entries: [1]))
            host.crash()
            try await eventually(timeout: .seconds(20)) {
                events.all.last == .started(slot: 0, hostID: "w-\(number + 1)")
            }
        }
    }

    @Test("Spares that die as soon as they have a slot are started ever more seldom")
    func brokenExecutable() async throws {
        let (hosts, events) = (FakeHosts(), Events())
        let delays = RetryDelay(first: .milliseconds(300), longest: .milliseconds(300), jitter: 0)
        let pool = HostPool(
            options: .init(slots: 1, hostIDPrefix: "w", settings: [], restarts: RestartPolicy(delays: delays)),
            factory: hosts.factory, onEvent: { events.add($0) })
        pool.start()
        try #require(hosts.named("w-1")).crash()
        try await eventually(timeout: .seconds(20)) { hosts.named("w-3") != nil }
        let begin = ContinuousClock.now
        try #require(hosts.named("w-2")).crash()
        try await eventually(timeout: .seconds(20)) { hosts.named("w-4") != nil }
        #expect(ContinuousClock.now - begin >= .milliseconds(250))
    }

    @Test("A slot on demand has no host before it is asked for, gets the spare then, and is kept from then on")
    func onDemand() async throws {
        let (hosts, events) = (FakeHosts(), Events())
        let pool = HostPool(
            options: .init(slots: 1, slotsOnDemand: 1, hostIDPrefix: "w", settings: []), factory: hosts.factory,
            onEvent: { events.add($0) })
        pool.start()
        #expect(events.all == [.started(slot: 0, hostID: "w-1")])
        #expect(hosts.all.count == 2)
        pool.demand(slot: 1)
        #expect(events.all.last == .started(slot: 1, hostID: "w-2"))
        try await eventually(timeout: .seconds(5)) { hosts.all.count == 3 }
        pool.demand(slot: 1)
        try #require(hosts.named("w-2")).crash()
        #expect(events.all.last == .started(slot: 1, hostID: "w-3"))
        try await eventually(timeout: .seconds(5)) { hosts.all.count == 4 }
    }

    @Test("A stopped pool closes its hosts and starts no more")
    func stop() async throws {
        let (hosts, events) = (FakeHosts(), Events())
        let pool = pool(hosts, events)
        pool.start()
        await pool.stop(grace: .seconds(1))
        #expect(hosts.all.allSatisfy { $0.isClosed })
        hosts.named("w-1")?.crash()
        #expect(hosts.all.count == 3)
    }
}
