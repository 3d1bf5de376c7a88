import ChatAgent
import Conversation
import Kafka
import LanguageModels
import Logging
import SessionStore
import Synchronization
import TestSupport
import Testing
import TurnHost

/// In the consumer's place: a log of requests, one host after the other, and the record of what was settled.
final class Conductor: Sendable {
    private struct Entry {
        var dispatch: Dispatch
        var settled = 0
    }

    private struct State {
        var entries: [Entry] = []
        var ends: [Int32: Int64] = [:]
        var hosts: [RunningHost] = []
        var assignments: Int64 = 0
        var log: (cluster: String, epoch: Int64) = ("c1", 0)
        var isRebuildable = true
        var ownsHistory = false
    }

    static let deadline = Duration.seconds(60)

    let directory: TemporaryDirectory
    let store: SQLiteSessionStore
    let log: MemoryEventLog
    /// The requests topic.
    let topic: String
    private let group: String
    let partitions: [Int32]
    private let configure: @Sendable (inout HostOptions) -> Void
    private let state = Mutex(State())
    private let hook: SettleHook
    private let clock = Mutex<Int64>(1_000_000)
    private let sleeping: any Clock<Duration>
    /// What the hosts have to say.
    let words = LogJournal()

    /// - Parameter sleeping: what the hosts' sleeps go by.
    init(
        partitions: [Int32] = [0], sleeping: any Clock<Duration> = ContinuousClock(),
        configure: @escaping @Sendable (inout HostOptions) -> Void = { $0.flushWindow = .zero }
    ) throws {
        directory = try TemporaryDirectory()
        log = MemoryEventLog(topic: "events")
        (topic, group) = ("requests", "g")
        self.partitions = partitions
        self.configure = configure
        self.sleeping = sleeping
        let hook = SettleHook()
        store = try SQLiteSessionStore(path: directory.path("sessions.sqlite"), logger: Self.quiet) { step in
            if case .inTransaction(let sessions) = step, !sessions.isEmpty { hook.call() }
        }
        self.hook = hook
    }

    /// Another group's conductor, for the topic of bigger machines: over the same store, with the same events.
    init(
        beside small: Conductor, sleeping: any Clock<Duration> = ContinuousClock(),
        configure: @escaping @Sendable (inout HostOptions) -> Void = { $0.flushWindow = .zero }
    ) {
        (directory, store, log) = (small.directory, small.store, small.log)
        (topic, group) = (MemoryEventLog.bigTopic, MemoryEventLog.bigTopic)
        partitions = [0]
        self.configure = configure
        self.sleeping = sleeping
        hook = SettleHook()
        now = small.now
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// The time, in milliseconds since 1970.
    var now: Int64 {
        get { clock.withLock { $0 } }
        set { clock.withLock { $0 = newValue } }
    }

    /// Whether the topics alone tell what is stored. Not if something was changed after its turn was settled, behind the
    /// service's back, or with a requests topic that is none any more.
    var isRebuildable: Bool {
        get { state.withLock { $0.isRebuildable && $0.log.epoch == 0 } && topic == "requests" && log.forwarded.isEmpty }
        set { state.withLock { $0.isRebuildable = newValue } }
    }

    /// Whether the last host's agent keeps the histories itself.
    var ownsHistory: Bool { state.withLock { $0.ownsHistory } }

    var host: RunningHost? { state.withLock { $0.hosts.last } }

    /// All hosts there have been, in order.
    var hosts: [RunningHost] { state.withLock { $0.hosts } }

    /// Appends requests to the log, all in one batch.
    /// - Parameters:
    ///   - death: of the host that is said to have had them before.
    ///   - redrive: what their records say of the dead letter that they come from.
    /// - Returns: the first one's offset.
    @discardableResult
    func send(
        _ requests: [Request], to session: String = "s", partition: Int32 = 0, death: HostDeath? = nil,
        redrive: Redrive? = nil
    ) -> Int64 {
        let (dispatches, host) = state.withLock { state in
            let dispatches = requests.map { request in
                let offset = state.ends[partition, default: 0]
                state.ends[partition] = offset + 1
                let record = KafkaRecord(
                    topic: topic, partition: partition, offset: offset, timestamp: 5_000 + offset,
                    key: Array(session.utf8), value: request.serialized(), headers: redrive?.headers ?? [])
                let read = redrive == nil ? request : (try? record.decodedRequest()) ?? request
                let dispatch = Dispatch(
                    entry: Int64(state.entries.count), assignment: 0, session: session, record: record, request: read)
                state.entries.append(Entry(dispatch: dispatch))
                return dispatch
            }
            return (dispatches, state.hosts.last)
        }
        if let host { deliver(dispatches, to: host, death: death) }
        return dispatches.first?.record.offset ?? 0
    }

    /// Takes in what has come to its topic since it last did.
    func takeForwarded(death: HostDeath? = nil) {
        let (dispatches, host) = state.withLock { state in
            let offset = state.ends[0, default: 0]
            let new = log.forwarded.dropFirst(Int(offset)).enumerated().compactMap { index, record -> Dispatch? in
                let record = KafkaRecord(
                    topic: topic, partition: record.partition ?? 0, offset: offset + Int64(index),
                    timestamp: 7_000 + Int64(index), key: record.key, value: record.value, headers: record.headers)
                guard let session = record.keyString, let request = try? record.decodedRequest() else { return nil }
                return Dispatch(
                    entry: Int64(state.entries.count + index), assignment: 0, session: session, record: record,
                    request: request)
            }
            state.ends[0] = offset + Int64(new.count)
            state.entries += new.map { Entry(dispatch: $0) }
            return (new, state.hosts.last)
        }
        if let host { deliver(dispatches, to: host, death: death) }
    }

    @discardableResult
    func send(_ kind: Request.Kind, to session: String = "s", partition: Int32 = 0, key: String? = nil) -> Int64 {
        send([Request(kind: kind, idempotencyKey: key)], to: session, partition: partition)
    }

    /// Sends a user's message.
    @discardableResult
    func say(_ text: String, to session: String = "s", id: String? = nil, data: JSON? = nil, key: String? = nil)
        -> Int64
    {
        let id = id ?? "user-\(text.prefix(20))"
        let request = Request(kind: .message(.user(id: id, text: text)), data: data, idempotencyKey: key)
        return send([request], to: session)
    }

    private func deliver(_ dispatches: [Dispatch], to host: RunningHost, death: HostDeath?) {
        let addressed = dispatches.compactMap { dispatch -> Dispatch? in
            guard let assignment = host.assignments[dispatch.record.partition] else { return nil }
            var dispatch = dispatch
            dispatch.assignment = assignment
            dispatch.death = death
            return dispatch
        }
        if !addressed.isEmpty { host.send(.dispatch(addressed)) }
    }

    /// Starts a host under a new fence and hands it everything that is not settled.
    @discardableResult
    func start(
        _ agent: any ChatAgent = Assistant(model: ScriptedModel()), killAt kill: RunningHost.Kill? = nil,
        death: HostDeath? = nil, catchUp: Bool = true, redeliverFrom first: Int64? = nil
    ) async throws -> RunningHost {
        let (id, assignments, identity) = state.withLock { state in
            var assignments: [Int32: Int64] = [:]
            for partition in partitions {
                state.assignments += 1
                assignments[partition] = state.assignments
            }
            return ("\(topic)-host-\(state.hosts.count + 1)", assignments, state.log)
        }
        let host = RunningHost(id: id, assignments: assignments, kill: kill)
        host.connect(turnHost(agent, host))
        hook.set { [weak host] in host?.reached(.inSettle) }
        host.send(.configure(hostID: id, settings: []))
        for (partition, assignment) in assignments {
            let fence = try await store.takeFence(
                group: group, cluster: identity.cluster, topic: topic, partition: partition)
            let end = state.withLock { $0.ends[partition] ?? 0 }
            let log = LogIdentity(
                cluster: identity.cluster, topic: topic, partition: partition, epoch: identity.epoch)
            host.send(.grant(PartitionGrant(assignment: assignment, log: log, fence: fence, endOffset: end)))
        }
        let waiting = state.withLock { state in
            state.ownsHistory = agent.ownsHistory
            state.hosts.append(host)
            return state.entries.map { ($0.dispatch, $0.settled == 0) }
                .filter { dispatch, isOpen in first.map { dispatch.record.offset >= $0 } ?? isOpen }.map(\.0)
        }
        deliver(waiting, to: host, death: death)
        if catchUp { for assignment in assignments.values { host.send(.caughtUp(assignment: assignment)) } }
        return host
    }

    private func turnHost(_ agent: any ChatAgent, _ host: RunningHost) -> TurnHost {
        var options = HostOptions(
            hostID: host.id, eventsTopic: "events", deadLettersTopic: "dead-letters", groupID: group)
        configure(&options)
        return TurnHost(
            agent: agent, options: options,
            store: CuttableStore(store: store, lifeline: host.lifeline, faults: host.faults),
            log: CuttableEventLog(log: log, lifeline: host.lifeline), logger: words.logger, clock: sleeping,
            now: { [self] in now },
            onStep: { [weak host] in host?.reached($0) }
        ) { [weak host, weak self] report in
            guard host?.report(report) == true, case .settled(let entries) = report else { return }
            self?.settled(entries)
        }
    }

    private func settled(_ entries: [Int64]) {
        state.withLock { state in for entry in entries { state.entries[Int(entry)].settled += 1 } }
    }

    /// Kills the host.
    /// - Returns: what the consumer sees of it.
    @discardableResult
    func kill(_ kind: RunEnd = .crashed, cause: String = "SIGKILL") -> HostDeath? {
        guard let host else { return nil }
        host.bury()
        return HostDeath(kind: kind, cause: cause, hostID: host.id)
    }

    /// Waits for the host to reach the step that kills it.
    @discardableResult
    func waitForDeath(_ kind: RunEnd = .crashed, cause: String = "SIGKILL") async throws -> HostDeath? {
        try await eventually(timeout: Self.deadline, every: .milliseconds(1)) { host?.lifeline.isCut ?? false }
        return kill(kind, cause: cause)
    }

    /// Gives every partition up and waits until the host has let go of them.
    func revoke(grace: Duration = .zero) async throws {
        guard let host else { return }
        let assignments = host.assignments.values.sorted()
        host.send(.revoke(assignments: assignments, grace: grace))
        try await eventually(timeout: Self.deadline, every: .milliseconds(1)) {
            let yielded = host.reports.flatMap { report -> [Int64] in
                if case .yielded(let assignments) = report { assignments } else { [] }
            }
            return Set(yielded).isSuperset(of: assignments) || host.lifeline.isCut
        }
    }

    /// The requests topic is made again: it begins empty, as another log.
    func replaceLog() {
        state.withLock { state in
            state.log.epoch += 1
            state.ends = [:]
            for index in state.entries.indices where state.entries[index].settled == 0 {
                state.entries[index].settled = 1
            }
        }
    }

    /// Waits until every request is settled, and finds that the store could be built again from the topics alone.
    func finish(fileID: String = #fileID, line: Int = #line) async throws {
        try await eventually(timeout: Self.deadline, every: .milliseconds(1), fileID: fileID, line: line) {
            state.withLock { $0.entries.allSatisfy { $0.settled > 0 } }
        }
        try await checkRebuild()
    }

    /// Waits until `count` requests are settled.
    func finish(_ count: Int) async throws {
        try await eventually(timeout: Self.deadline, every: .milliseconds(1)) {
            state.withLock { $0.entries.count { $0.settled > 0 } } >= count
        }
    }

    /// Offsets of the requests that were reported as settled.
    var settledOffsets: Set<Int64> {
        state.withLock { Set($0.entries.filter { $0.settled > 0 }.map(\.dispatch.record.offset)) }
    }

    /// The requests topic's records.
    func requests(in partition: Int32) -> [KafkaRecord] {
        state.withLock { $0.entries.map(\.dispatch.record).filter { $0.partition == partition } }
    }

    /// Up to where everything is settled.
    func watermark(of partition: Int32) -> Int64 {
        state.withLock { state in
            let open = state.entries.first { $0.dispatch.record.partition == partition && $0.settled == 0 }
            return open?.dispatch.record.offset ?? state.ends[partition, default: 0]
        }
    }

    func history(_ session: String = "s") async throws -> [Message] {
        try await store.loadSession(session)?.messages.map { try Message(parsing: $0.body) } ?? []
    }

    func view(_ session: String = "s", partition: Int32 = 0) -> ReaderView {
        ReaderView(log.events(partition), session: session)
    }

    /// Waits until so much of the turn's answer is in the events.
    func waitForText(_ text: String, session: String = "s", turn: Int = 0) async throws {
        try await eventually(timeout: Self.deadline, every: .milliseconds(1)) {
            (try? view(session).answer(turn: turn).text.contains(text)) ?? false
        }
    }
}
