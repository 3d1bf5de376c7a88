public import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore
import Synchronization
import TurnHost

extension MockChatAgent {
    static let requestsTopic = "chat.requests"
    static let group = "test"
    static let requests = LogIdentity(cluster: "memory", topic: requestsTopic, partition: 0, epoch: 0)

    /// Starts the next worker. It takes the partition, gets every request that is not settled, and carries it out.
    ///
    /// If the worker before it is still there, that one does not hear of it: it goes on until the store refuses what it
    /// writes.
    /// - Parameter agent: what the worker runs, as after a deploy; `nil` for the agent that the session was made with.
    /// - Returns: what has become of each of those requests, in the order of their offsets.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func boot(_ agent: (any ChatAgent)? = nil) async throws -> [MockTurn] {
        try await rest(try start(agent ?? self.agent))
    }

    /// Kills the worker at once.
    /// - Parameter cause: what the next worker is told.
    /// - Throws: ``MockChatError/noWorker`` if none is there.
    public func kill(cause: WorkerDeath = .crashed("SIGKILL")) throws(MockChatError) {
        guard let number = stage.read({ $0.current }) else { throw .noWorker }
        workers.withLock { $0.workers[number] }.die(cause)
    }

    /// Has the worker die when it comes to a step, counted from now on: the one that is there, or the next one that
    /// boots. Takes the place of an order to die that was not carried out yet.
    /// - Parameters:
    ///   - occurrence: at which time of that step, from 1.
    ///   - cause: what the next worker is told.
    public func kill(at point: KillPoint, occurrence: Int = 1, cause: WorkerDeath = .crashed("SIGKILL")) {
        stage.change { $0.kill = (.init(point: point, remaining: occurrence), cause) }
    }

    /// Has the worker wait when it comes to a step, counted from now on, until ``proceed()``: the one that is there, or
    /// the next one that boots. Takes the place of an order to wait that was not carried out yet.
    /// - Parameter occurrence: at which time of that step, from 1.
    public func pause(at point: KillPoint, occurrence: Int = 1) {
        stage.change { $0.pause = .init(point: point, remaining: occurrence) }
    }

    /// Has workers that wait at a step go on, and waits until each has come to its end, is dead, or waits again.
    /// - Parameter worker: the only one to go on, counted from 1 in the order in which they booted; `nil` for all.
    /// - Returns: what has become of the turn that the worker was in; `nil` if none waited.
    /// - Throws: ``MockChatError``.
    @discardableResult
    public func proceed(worker: Int? = nil) async throws -> MockTurn? {
        let (waiting, offset) = stage.read { state in
            let waiting = state.workers.indices.filter { number in
                state.workers[number].pause != nil && (worker.map { $0 == number + 1 } ?? true)
            }
            return (waiting, waiting.last.flatMap { state.workers[$0].pause?.offset })
        }
        goOn(waiting)
        for number in waiting {
            try await stage.wait(for: "The end of worker \(number + 1)", within: options.patience) { state in
                guard state.current == number, let offset else { return state.workers[number].isAtRest }
                return state.isResting(offset)
            }
        }
        return offset.flatMap(turn(at:))
    }

    /// Has the worker give the partition up in good order, as before a deploy: a turn that runs ends at its next word
    /// and is gone on with by the next worker.
    /// - Throws: ``MockChatError``.
    public func handOver() async throws {
        guard let number = stage.read({ $0.current }) else { throw MockChatError.noWorker }
        let host = workers.withLock { $0.hosts[number] }
        host.send(.revoke(assignments: [Self.assignment(number)], grace: .zero))
        goOn()
        try await stage.wait(for: "The handover", within: options.patience) { $0.current != number }
    }

    /// Has these workers go on, or else all.
    func goOn(_ numbers: [Int]? = nil) {
        for worker in workers.withLock({ $0.workers }) where numbers?.contains(worker.number) ?? true {
            if worker.stands { worker.goOn() }
        }
    }

    /// Boots the first worker, if none was ever there.
    func ensureWorker() throws {
        let (isFirst, isThere) = stage.read { ($0.workers.isEmpty, $0.current != nil) }
        if isFirst { try start(agent) } else if !isThere { throw MockChatError.noWorker }
    }

    /// Appends a request to the log, and hands it to the worker, if one is there.
    /// - Parameter request: is given the offset.
    /// - Returns: the offset.
    @discardableResult
    func append(_ request: (Int64) -> Request) -> Int64 {
        let timestamp = time()
        return workers.withLock { workers in
            let (offset, current) = stage.read { ($0.endOffset, $0.current) }
            let request = request(offset)
            let record = KafkaRecord(
                topic: Self.requestsTopic, partition: 0, offset: offset, timestamp: timestamp, key: Array(session.utf8),
                value: request.serialized())
            let dispatch = Dispatch(entry: offset, assignment: 0, session: session, record: record, request: request)
            stage.change { state in
                state.entries[offset] = StageState.Entry(dispatch: dispatch)
                state.endOffset = offset + 1
            }
            if let current { Self.deliver([offset], to: current, workers.hosts[current], stage) }
            return offset
        }
    }

    private static func assignment(_ number: Int) -> Int64 { Int64(number) + 1 }

    private static func deliver(_ offsets: [Int64], to number: Int, _ host: TurnHost, _ stage: Stage) {
        let dispatches = stage.change { state in
            offsets.compactMap { offset -> Dispatch? in
                guard var dispatch = state.entries[offset]?.dispatch else { return nil }
                dispatch.assignment = assignment(number)
                if let last = state.entries[offset]?.worker, case .dead(let death, _) = state.workers[last].phase {
                    dispatch.death = death.seen(host: MockWorker.hostID(last))
                }
                state.entries[offset]?.worker = number
                state.workers[number].inHand.insert(offset)
                return dispatch
            }
        }
        if !dispatches.isEmpty { host.send(.dispatch(dispatches)) }
    }

    /// - Returns: the offsets of the requests that the worker was given.
    @discardableResult
    private func start(_ agent: any ChatAgent) throws -> [Int64] {
        try workers.withLock { workers in
            let number = workers.workers.count
            let fence = try store.access("taking the partition") {
                $0.takeFence(.init(group: Self.group, log: .init(Self.requests)))
            }
            let worker = MockWorker(number: number, stage: stage)
            let host = turnHost(agent, worker)
            worker.connect(host)
            workers.workers.append(worker)
            workers.hosts.append(host)
            let (unsettled, end) = stage.change { state in
                state.workers.append(.init(assignment: Self.assignment(number)))
                state.current = number
                return (state.unsettled, state.endOffset)
            }
            host.send(.configure(hostID: worker.hostID, settings: []))
            host.send(
                .grant(
                    PartitionGrant(
                        assignment: Self.assignment(number), log: Self.requests, fence: fence, endOffset: end)))
            Self.deliver(unsettled, to: number, host, stage)
            host.send(.caughtUp(assignment: Self.assignment(number)))
            return unsettled
        }
    }

    private func turnHost(_ agent: any ChatAgent, _ worker: MockWorker) -> TurnHost {
        var hostOptions = HostOptions(
            hostID: worker.hostID, eventsTopic: MemoryEventLog.topic, deadLettersTopic: MemoryEventLog.deadLetters,
            groupID: Self.group)
        // Every delta is an event of its own, or when one is written would depend on how fast the others came.
        hostOptions.flushWindow = .zero
        hostOptions.recoveryPolicy = options.recoveryPolicy
        hostOptions.crashAttempts = options.crashAttempts
        hostOptions.outOfMemoryAttempts = options.outOfMemoryAttempts
        return TurnHost(
            agent: ObservedAgent(agent: agent, worker: worker), options: hostOptions,
            store: WorkerStore(store: store, worker: worker), log: WorkerEventLog(log: log, worker: worker),
            logger: Logger(label: "carryon.testing") { _ in SwiftLogNoOpLogHandler() },
            clock: (clock as? ImmediateClock).map { WorkerClock(clock: $0, worker: worker) } ?? clock, now: time,
            onStep: worker.come
        ) { worker.report($0) }
    }
}
