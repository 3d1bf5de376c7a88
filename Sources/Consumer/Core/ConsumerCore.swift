package import Kafka
package import SessionStore
package import TurnHost

/// Every decision of the consumer, without Kafka, hosts, a clock or a lock: what happened goes in, what is to be done
/// comes out. The actions of one call, and of one call after another, are to be carried out in their order.
package struct ConsumerCore {
    package struct Settings: Sendable {
        /// Number of turn hosts that sessions are spread over.
        package var slots: Int
        /// How many more slots there are, for sessions that are tried apart. Without any, every death is charged to
        /// whatever had begun in the host.
        package var trialSlots: Int
        package var bounds: Backpressure.Bounds
        /// How many requests of one session are in hand at once.
        package var requestsPerSession: Int
        package var commitInterval: Duration
        package var commitRetryDelay: Duration
        /// How long a request waits whose hosts died under it.
        package var hostRetry: RetryDelay
        /// How long a dead letter waits that could not be written.
        package var deadLetterRetry: RetryDelay
        package var seed: UInt64

        package init(
            slots: Int, trialSlots: Int = 0, bounds: Backpressure.Bounds,
            requestsPerSession: Int = 64, commitInterval: Duration = .milliseconds(100),
            commitRetryDelay: Duration = .milliseconds(500), hostRetry: RetryDelay = RetryDelay(),
            deadLetterRetry: RetryDelay = RetryDelay(longest: .seconds(30)), seed: UInt64
        ) {
            self.slots = max(slots, 1)
            self.trialSlots = max(trialSlots, 0)
            self.bounds = bounds
            self.requestsPerSession = requestsPerSession
            self.commitInterval = commitInterval
            self.commitRetryDelay = commitRetryDelay
            self.hostRetry = hostRetry
            self.deadLetterRetry = deadLetterRetry
            self.seed = seed
        }
    }

    package enum Action: Sendable, Hashable {
        case send(slot: Int, HostCommand)
        /// To be answered with ``ConsumerCore/commitFinished(_:at:)``.
        case commit([TopicPartition: Int64])
        case pause(TopicPartition)
        case resume(TopicPartition)
        /// To be answered with ``ConsumerCore/deadLetterWritten(entry:at:)`` or
        /// ``ConsumerCore/deadLetterFailed(entry:at:)``.
        case writeDeadLetter(entry: Int64, record: KafkaRecord, code: String, message: String)
        /// The partition's log has to be identified again, and to be read from where that says: to be answered with
        /// ``ConsumerCore/granted(_:assignment:log:fence:start:end:at:)``.
        case prepare(TopicPartition, assignment: Int64, reason: String)
        /// Somebody took a newer fence: to be answered with ``ConsumerCore/refenced(_:assignment:fence:at:)`` if the
        /// partition is still ours, and not at all otherwise.
        case refence(TopicPartition, assignment: Int64)
        /// These requests of the partition are to be read again, in ascending order: to be answered with
        /// ``ConsumerCore/fetched(_:number:_:upTo:at:)``.
        case fetch(TopicPartition, number: Int64, offsets: [Int64])
        /// A request was put off, and is not in the log any more: it counts as settled.
        case noteLost(TopicPartition, offset: Int64, reason: String)
        /// From now on this slot is to have a host as the others have.
        case startTrialHost(slot: Int)
        /// The slot's host is to be ended, which counts as a crash of its own.
        case breakOff(slot: Int, reason: String)
    }

    struct Slot {
        var isUp = false
        /// What its host last said of itself.
        var vitals: HostVitals?
        /// Since when an answer to that question is due.
        var askedAt: ContinuousClock.Instant?
    }

    /// Why nothing new is taken in, of any partition.
    package enum Hold: Sendable, Hashable, CaseIterable {
        /// The worker is on its way out.
        case drain
        /// Somebody asked for quiet.
        case quiet
        /// What is taken in could not be settled.
        case storeAway
    }

    /// The most that one dispatch holds, so that a host's backlog after a death stays within a frame's bound.
    static let dispatchLimit = (requests: 1_000, bytes: 8 << 20)

    let settings: Settings
    var assignments: [TopicPartition: Assignment] = [:]
    var held: [Int64: HeldRequest] = [:]
    var heldBytes = 0
    var slots: [Slot]
    /// Sessions whose hosts died under them, and until when they wait.
    var parked: [String: ContinuousClock.Instant] = [:]
    var trials = Trials()
    var trialHostsAsked: Set<Int> = []
    /// When the first dead letter is to be tried again, if one is.
    var deadLetterDue: ContinuousClock.Instant?
    var commits: CommitScheduler
    var backpressure: Backpressure
    var share: FairShare
    var generator: SplitMix64
    /// What the client library was told to pause.
    package internal(set) var paused: Set<TopicPartition> = []
    package internal(set) var holds: Set<Hold> = []
    /// The partitions that an operator has halted, and why; also those that are not assigned at the moment.
    package internal(set) var halted: [TopicPartition: String] = [:]
    /// What was changed of the hosts' settings since their start, if anything was.
    var tuning: HostTuning?
    /// The sessions that are parked, as they were last read.
    package internal(set) var parks: [ParkedSession] = []
    /// Which reading of them that was, and how many were begun.
    var parksRead: (last: Int64, begun: Int64) = (0, 0)
    private var lastAssignment: Int64 = 0
    private var lastEntry: Int64 = 0

    package init(settings: Settings) {
        self.settings = settings
        slots = Array(repeating: Slot(), count: settings.slots + settings.trialSlots)
        commits = CommitScheduler(interval: settings.commitInterval, retryDelay: settings.commitRetryDelay)
        backpressure = Backpressure(bounds: settings.bounds)
        share = FairShare(requests: settings.bounds.requests, perSession: settings.requestsPerSession)
        generator = SplitMix64(state: settings.seed)
    }

    /// Which host a session belongs to unless it is on trial: the same one as long as the number of hosts is the same,
    /// in every process.
    package func slot(of session: String) -> Int {
        Int(StableHash.of(session) % UInt64(settings.slots))
    }

    /// The partitions that are assigned, in order.
    package var partitions: [TopicPartition] { assignments.keys.sorted() }

    /// The next offset to commit of a partition.
    package func watermark(of partition: TopicPartition) -> Int64? { assignments[partition]?.tracker.watermark }

    /// How many unsettled requests the slot's host has.
    package func heldCount(ofSlot slot: Int) -> Int {
        held.values.count { $0.place == .atHost(slot: slot) }
    }

    mutating func makeAssignmentID() -> Int64 {
        lastAssignment += 1
        return lastAssignment
    }

    mutating func makeEntryID() -> Int64 {
        lastEntry += 1
        return lastEntry
    }

    /// The passage of time: what has become due.
    package mutating func tick(at now: ContinuousClock.Instant) -> [Action] {
        var actions: [Action] = []
        let released = parked.filter { $0.value <= now }
        if !released.isEmpty {
            for session in released.keys { parked[session] = nil }
            actions += dispatchWaiting { $0.session.map { released[$0] != nil } ?? false }
        }
        // Sessions also leave a trial with their partition, without a settlement that would tell.
        actions += goOnWithTrials()
        actions += retryDeadLetters(at: now)
        // Room is also made by partitions that go, without a settlement that would tell.
        actions += adjustFlow(touching: [])
        actions += commitIfDue(at: now)
        return actions
    }

    mutating func commitIfDue(at now: ContinuousClock.Instant) -> [Action] {
        commits.next(at: now).map { [.commit($0)] } ?? []
    }

    /// The broker's answer to ``Action/commit(_:)``; a partition without an outcome counts as failed.
    package mutating func commitFinished(
        _ outcomes: [TopicPartition: CommitScheduler.Outcome], at now: ContinuousClock.Instant
    ) -> [Action] {
        commits.finished(outcomes, at: now)
        return commitIfDue(at: now)
    }

    /// Settles one entry: the watermark may move, room is made.
    mutating func settle(_ request: HeldRequest, at now: ContinuousClock.Instant) {
        held[request.id] = nil
        heldBytes -= request.tracked.bytes
        if let claimant = request.claimant { share.release(claimant, tenant: request.record.tenant) }
        complete(request.tracked, of: request.partition, at: now)
    }

    /// An offset is settled.
    mutating func complete(
        _ tracked: OffsetTracker.Entry, of partition: TopicPartition, at now: ContinuousClock.Instant
    ) {
        guard assignments[partition]?.tracker.complete(tracked) == true,
            let watermark = assignments[partition]?.tracker.watermark
        else { return }
        commits.moved(partition, to: watermark, at: now)
    }

    /// Pauses and resumes what the bounds, or the drain, say. A partition that is paused counts as caught up: its
    /// hosts must not wait for requests that the bounds do not let in.
    mutating func adjustFlow(touching touched: some Sequence<TopicPartition>) -> [Action] {
        for partition in touched {
            guard let assignment = assignments[partition] else { continue }
            backpressure.update(partition, span: assignment.tracker.span)
        }
        let inHand = inHand
        let changed = backpressure.update(requests: inHand.requests, bytes: inHand.bytes)
        var actions: [Action] = []
        if changed {
            for partition in assignments.keys.sorted() { actions += adjustFlow(of: partition) }
        } else {
            for partition in Set(touched).sorted() { actions += adjustFlow(of: partition) }
        }
        return actions + callForDeferred()
    }

    mutating func adjustFlow(of partition: TopicPartition) -> [Action] {
        guard let assignment = assignments[partition], assignment.isReceiving else { return [] }
        let holdsBack = !holds.isEmpty || halted[partition] != nil || backpressure.holdsBack(partition)
        guard holdsBack != paused.contains(partition) else { return [] }
        if !holdsBack {
            paused.remove(partition)
            return [.resume(partition)]
        }
        paused.insert(partition)
        return [.pause(partition)] + catchUp(partition)
    }

    /// Tells every host, once, that a partition's waiting requests are known.
    mutating func catchUp(_ partition: TopicPartition) -> [Action] {
        guard let assignment = assignments[partition], !assignment.isCaughtUp else { return [] }
        assignments[partition]?.isCaughtUp = true
        guard assignment.grant != nil else { return [] }
        return toEveryHost(.caughtUp(assignment: assignment.id))
    }

    func toEveryHost(_ command: HostCommand) -> [Action] {
        slots.indices.filter { slots[$0].isUp }.map { .send(slot: $0, command) }
    }

    /// Hands over what is waiting, in the log's order, as far as it may go now.
    func dispatchWaiting(where isWanted: (HeldRequest) -> Bool) -> [Action] {
        let ready = held.values
            .filter { $0.place == .waiting && mayBeDispatched($0) && isWanted($0) }
            .sorted { ($0.partition, $0.record.offset) < ($1.partition, $1.record.offset) }
        return dispatch(ready)
    }

    func mayBeDispatched(_ request: HeldRequest) -> Bool {
        guard halted[request.partition] == nil, let slot = request.session.flatMap(destination) else { return false }
        return slots[slot].isUp && assignments[request.partition]?.grant != nil
    }

    /// One command for each host and batch.
    func dispatch(_ requests: [HeldRequest]) -> [Action] {
        var batches: [[Dispatch]] = Array(repeating: [], count: slots.count)
        var weights = Array(repeating: 0, count: slots.count)
        var actions: [Action] = []
        for held in requests {
            guard case .request(let session, let request) = held.content, let slot = destination(of: session),
                let assignment = assignments[held.partition]?.id
            else { continue }
            held.place = .atHost(slot: slot)
            batches[slot].append(
                Dispatch(
                    entry: held.id, assignment: assignment, session: session, record: held.record, request: request,
                    death: held.death))
            weights[slot] += held.tracked.bytes
            if batches[slot].count >= Self.dispatchLimit.requests || weights[slot] >= Self.dispatchLimit.bytes {
                actions.append(.send(slot: slot, .dispatch(batches[slot])))
                batches[slot] = []
                weights[slot] = 0
            }
        }
        for slot in slots.indices where !batches[slot].isEmpty {
            actions.append(.send(slot: slot, .dispatch(batches[slot])))
        }
        return actions + stopsAhead(of: requests)
    }
}
