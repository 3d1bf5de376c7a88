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

    @Test("Without a spare the next host that starts takes the slot; a second death in a row makes that wait")
    func withoutSpare() async throws {
        let (hosts, events) = (FakeHosts(), Events())
        let pool = pool(hosts, events)
        pool.start()
        try #require(hosts.named("w-3")).crash()
        try await eventually(timeout: .seconds(5)) { hosts.all.count == 4 }
        let begin = ContinuousClock.now
        try #require(hosts.named("w-1")).crash()
        try #require(hosts.named("w-2")).crash()
        #expect(hosts.all.count == 4)
        try await eventually(timeout: .seconds(5)) { events.all.last == .started(slot: 1, hostID: "w-5") }
        #expect(ContinuousClock.now - begin >= .milliseconds(900))
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
