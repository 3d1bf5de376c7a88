import Consumer
import Kafka
import SessionStore
import Testing
import TestSupport
import TurnHost

/// The world around the core, kept as naively as possible: a log, hosts that remember what they were handed, a broker
/// that remembers what was committed.
private struct World {
    var core: ConsumerCore
    var random: SeededGenerator
    var now = ContinuousClock.now
    /// The partitions as they are, with gaps.
    var logs: [Int32: [KafkaRecord]] = [:]
    var settled: [Int32: Set<Int64>] = [:]
    var committed: [Int32: Int64] = [:]
    /// The partitions that are ours and granted, and how many records of each were handed over or skipped.
    var owned: [Int32: Int] = [:]
    /// The partitions that are ours and not granted yet, and their assignments.
    var awaited: [Int32: Int64] = [:]
    /// Preparations under way, also of assignments that are over.
    var preparations: [(TopicPartition, Int64)] = []
    /// What the client library has paused.
    var paused: Set<TopicPartition> = []
    /// Stops that a scout has found under the present assignment.
    var scouted: [Int32: Set<Int64>] = [:]
    var outstanding: [TopicPartition: Int64]?
    var deadLetters: [Int64: KafkaRecord] = [:]
    /// What each live host has, by entry.
    var hosts: [Int: [Int64: Dispatch]] = [:]
    var grants: [Int: Set<Int64>] = [:]
    /// The assignments that each host was told to let nothing of begin.
    var halted: [Int: Set<Int64>] = [:]
    var refences: [(TopicPartition, Int64)] = []
    var fetches: [Fetch] = []
    /// Requests that a read did not find any more.
    var gone: Set<TopicOffset> = []
    var problems: [String] = []
    /// How many slots have a host, or will have one.
    var slots: Int

    mutating func apply(_ actions: [ConsumerCore.Action]) {
        for action in actions {
            switch action {
            case .send(let slot, let command): take(command, at: slot)
            case .commit(let offsets):
                if outstanding != nil { problems.append("two commits outstanding") }
                outstanding = offsets
            case .writeDeadLetter(let entry, let record, _, _): deadLetters[entry] = record
            case .refence(let partition, let assignment): refences.append((partition, assignment))
            case .startTrialHost(let slot):
                if slot != slots { problems.append("the trial host is asked for once") }
                slots = slot + 1
            case .fetch(let partition, let number, let offsets):
                if offsets != offsets.sorted() { problems.append("a read that is out of order") }
                fetches.append(Fetch(partition: partition, number: number, offsets: offsets))
            case .noteLost(let partition, let offset, _):
                if !gone.contains(TopicOffset(partition: partition, offset: offset)) {
                    problems.append("\(offset) was given up without need")
                }
                settled[partition.partition, default: []].insert(offset)
            case .pause(let partition):
                // Refused for one that is not assigned.
                if isAssigned(partition) { paused.insert(partition) }
            case .resume(let partition): paused.remove(partition)
            case .prepare(let partition, let assignment, _): preparations.append((partition, assignment))
            case .breakOff: break
            }
        }
        checkStops(actions)
        checkHalts()
        checkOrder()
    }

    /// Invariant 3: no host has a request of a session while an unsettled one in front of it is put off.
    mutating func checkOrder() {
        for dispatch in hosts.values.flatMap(\.values) {
            let number = dispatch.record.partition
            let start = core.watermark(of: dispatch.record.topicPartition) ?? 0
            let before = logs[number, default: []].filter {
                $0.keyString == dispatch.session && $0.value != nil && $0.offset >= start
                    && $0.offset < dispatch.record.offset && settled[number]?.contains($0.offset) != true
            }
            let atHosts = hosts.values.flatMap(\.values).filter { $0.record.partition == number }.map(\.record.offset)
            if before.contains(where: { !atHosts.contains($0.offset) }) {
                problems.append("\(dispatch.record.offset) overtook one of its session")
            }
        }
    }

    /// Whatever is dispatched has with it the stops behind it that are known and that intake has not come to.
    mutating func checkStops(_ actions: [ConsumerCore.Action]) {
        for (index, action) in actions.enumerated() {
            guard case .send(let slot, .dispatch(let dispatches)) = action else { continue }
            let told = actions[index...].filter { if case .send(slot, _) = $0 { true } else { false } }.stopsAhead
            for dispatch in dispatches {
                let number = dispatch.record.partition
                let known = logs[number, default: []].dropFirst(owned[number] ?? 0).filter {
                    scouted[number]?.contains($0.offset) == true && $0.keyString == dispatch.session
                }
                let missing = known.contains { stop in
                    !told.contains { $0.offset == stop.offset && $0.assignment == dispatch.assignment }
                }
                if missing { problems.append("\(dispatch.record.offset) was dispatched without its stops") }
            }
        }
    }

    mutating func take(_ command: HostCommand, at slot: Int) {
        guard hosts[slot] != nil else { return problems.append("a command to a dead host") }
        switch command {
        case .grant(let grant): grants[slot, default: []].insert(grant.assignment)
        case .dispatch(let dispatches):
            for dispatch in dispatches {
                let offset = dispatch.record.offset
                if grants[slot]?.contains(dispatch.assignment) != true { problems.append("dispatched before granted") }
                if core.halted[dispatch.record.topicPartition] != nil { problems.append("dispatched though halted") }
                if hosts.values.contains(where: { $0.values.contains { $0.record == dispatch.record } }) {
                    problems.append("offset \(offset) dispatched twice to live hosts")
                }
                if hosts.contains(where: {
                    $0.key != slot && $0.value.values.contains { $0.session == dispatch.session }
                }) {
                    problems.append("\(dispatch.session) is in two hosts at once")
                }
                let ahead = hosts[slot]?.values.filter {
                    $0.session == dispatch.session && $0.record.partition == dispatch.record.partition
                }
                if ahead?.contains(where: { $0.record.offset > offset }) == true { problems.append("out of order") }
                hosts[slot]?[dispatch.entry] = dispatch
            }
        case .lose(let assignments), .revoke(let assignments, _):
            hosts[slot] = hosts[slot]?.filter { !assignments.contains($0.value.assignment) }
        case .stopAhead(let stops):
            if stops.contains(where: { grants[slot]?.contains($0.assignment) != true }) {
                problems.append("a stop before its grant")
            }
        case .pause(let assignments): halted[slot, default: []].formUnion(assignments)
        case .resume(let assignments): halted[slot, default: []].subtract(assignments)
        case .caughtUp, .configure, .askVitals, .adjust, .park: break
        }
    }

    /// Invariant 1.
    mutating func commit(_ offsets: [TopicPartition: Int64]) {
        for (partition, offset) in offsets {
            let number = partition.partition
            for record in logs[number, default: []] where record.offset < offset {
                if settled[number]?.contains(record.offset) == true { continue }
                problems.append("committed \(offset) with \(record.offset) unsettled")
            }
            committed[number] = max(committed[number] ?? 0, offset)
        }
    }

    mutating func act() {
        switch Int.random(in: 0..<36, using: &random) {
        case 35: haltOrGoOn()
        case 34: holdOrRelease()
        case 30, 31: answerPreparation()
        case 32: pauseLate()
        case 33: apply(core.alignFlow(paused: paused))
        case 24, 25: scout()
        case 26..<30: answerFetch(mayFail: true)
        case 0..<6: receive()
        case 6..<11: settle()
        case 11: begin()
        case 12: dieOrStart()
        case 13: dieOrStart()
        case 14: answerCommit()
        case 15: answerCommit()
        case 16: answerDeadLetter()
        case 17: answerDeadLetter()
        case 18: assign()
        case 19: release()
        case 20: fence()
        case 21: answerFence()
        default:
            now += .milliseconds(Int.random(in: 1...3_000, using: &random))
            apply(core.tick(at: now))
        }
    }

    mutating func receive() {
        guard let number = owned.keys.sorted().randomElement(using: &random), let position = owned[number] else {
            return
        }
        let count = Int.random(in: 1...5, using: &random)
        while logs[number, default: []].count < position + count { append(to: number) }
        let batch = Array(logs[number, default: []][position..<position + count])
        owned[number] = position + count
        apply(core.receive(batch, at: now))
    }

    mutating func append(to number: Int32) {
        let last = logs[number]?.last?.offset ?? -1
        var record = requestRecord(
            session: "s\(Int.random(in: 0..<5, using: &random))", partition: number,
            offset: last + Int64.random(in: 1...3, using: &random))
        switch Int.random(in: 0..<6, using: &random) {
        case 0: record.value = nil
        case 1: record.value = Array(#"{"type":"stop"}"#.utf8)
        default: break
        }
        if Bool.random(using: &random) { record.headers.append(KafkaHeader("tenant", "t")) }
        logs[number, default: []].append(record)
    }

    mutating func scout() {
        guard let number = owned.keys.sorted().randomElement(using: &random), let position = owned[number],
            let assignment = core.status(at: now).partitions.first(where: { $0.partition == partition(number) })
        else { return }
        let count = Int.random(in: 0...12, using: &random)
        while logs[number, default: []].count < position + count { append(to: number) }
        let ahead = logs[number, default: []][..<(position + count)]
        let scan = StopScan(intake: RequestIntake(maximumBytes: 1_000))
        let stops = ahead.compactMap(scan.stop)
        let actions = core.scouted([
            partition(number): .init(
                assignment: assignment.assignment, stops: stops, next: (ahead.last?.offset ?? -1) + 1)
        ])
        scouted[number, default: []].formUnion(stops.map(\.offset))
        apply(actions)
    }

    /// Brings back what was put off: all of it, some of it, or nothing because it is gone.
    mutating func answerFetch(mayFail: Bool) {
        guard !fetches.isEmpty else { return }
        let fetch = fetches.removeFirst()
        let number = fetch.partition.partition
        let wanted = fetch.offsets.prefix(Int.random(in: 1...fetch.offsets.count, using: &random))
        let isGone = mayFail && Int.random(in: 0..<20, using: &random) == 0
        if isGone, let first = wanted.first { gone.insert(TopicOffset(partition: fetch.partition, offset: first)) }
        let found = logs[number, default: []].filter { wanted.contains($0.offset) }.dropFirst(isGone ? 1 : 0)
        let intake = RequestIntake(maximumBytes: 1_000)
        apply(
            core.fetched(
                fetch.partition, number: fetch.number,
                found.map { ConsumerCore.Incoming(record: $0, verdict: intake.examine($0)) },
                // A read comes further than to what is wanted.
                upTo: wanted.count < fetch.offsets.count
                    ? fetch.offsets[wanted.count] : (wanted.last ?? -1) + Int64.random(in: 1...60, using: &random),
                at: now))
    }

    mutating func settle() {
        guard let slot = hosts.keys.sorted().randomElement(using: &random),
            let entry = hosts[slot]?.keys.sorted().randomElement(using: &random),
            let dispatch = hosts[slot]?.removeValue(forKey: entry)
        else { return }
        settled[dispatch.record.partition, default: []].insert(dispatch.record.offset)
        apply(core.reported(.settled(entries: [entry]), by: slot, at: now))
    }

    mutating func begin() {
        guard let slot = hosts.keys.sorted().randomElement(using: &random),
            let entry = hosts[slot]?.keys.sorted().randomElement(using: &random)
        else { return }
        apply(core.reported(.began(entries: [entry]), by: slot, at: now))
    }

    mutating func dieOrStart() {
        let slot = Int.random(in: 0..<slots, using: &random)
        if hosts.removeValue(forKey: slot) != nil {
            grants[slot] = nil
            halted[slot] = nil
            apply(core.hostDied(slot, death: HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "h"), at: now))
        } else {
            hosts[slot] = [:]
            apply(core.hostStarted(slot))
        }
    }

    mutating func answerCommit() {
        guard let sent = outstanding else { return }
        outstanding = nil
        let outcome: CommitScheduler.Outcome = Int.random(in: 0..<4, using: &random) == 0 ? .failed : .committed
        if outcome == .committed { commit(sent.filter { owned[$0.key.partition] != nil }) }
        apply(core.commitFinished(sent.mapValues { _ in outcome }, at: now))
    }

    mutating func answerDeadLetter() {
        guard let entry = deadLetters.keys.sorted().randomElement(using: &random),
            let record = deadLetters.removeValue(forKey: entry)
        else { return }
        if Int.random(in: 0..<3, using: &random) == 0 { return core.deadLetterFailed(entry: entry, at: now) }
        settled[record.partition, default: []].insert(record.offset)
        apply(core.deadLetterWritten(entry: entry, at: now))
    }

    mutating func assign() {
        let number = Int32.random(in: 0..<3, using: &random)
        let partition = partition(number)
        guard !isAssigned(partition) else { return }
        paused.remove(partition)
        let id = core.assign(partition, at: now)
        preparations.append((partition, id))
        awaited[number] = id
        if Bool.random(using: &random) {
            answer(preparations.removeLast())
        } else {
            // Before the client library knows the partition, which refuses the pause, or after that.
            let isEarly = Bool.random(using: &random)
            if isEarly { awaited[number] = nil }
            apply(core.unready(partition, assignment: id))
            awaited[number] = id
        }
    }

    func isAssigned(_ partition: TopicPartition) -> Bool {
        owned[partition.partition] != nil || awaited[partition.partition] != nil
    }

    /// In any order, and also for what is somebody else's by now.
    mutating func answerPreparation() {
        guard let index = preparations.indices.randomElement(using: &random) else { return }
        let (partition, assignment) = preparations[index]
        if Int.random(in: 0..<4, using: &random) == 0 {
            return core.obstructed(partition, assignment: assignment, by: "the broker is away")
        }
        answer(preparations.remove(at: index))
    }

    mutating func answer(_ preparation: (partition: TopicPartition, assignment: Int64)) {
        let (partition, id) = preparation
        let number = partition.partition
        let start = committed[number] ?? 0
        let isCurrent = awaited[number] == id
        if isCurrent {
            awaited[number] = nil
            scouted[number] = []
            // What was received and not committed comes again.
            owned[number] = logs[number, default: []].count { $0.offset < start }
        }
        let actions = core.grant(number, assignment: id, from: start, end: start, at: now)
        if !isCurrent, !actions.isEmpty { problems.append("a grant for an assignment that is over") }
        apply(actions)
    }

    /// A preparation that was overtaken by the next assignment pauses its partition all the same.
    mutating func pauseLate() {
        guard let number = (Array(owned.keys) + Array(awaited.keys)).sorted().randomElement(using: &random) else {
            return
        }
        paused.insert(partition(number))
    }

    mutating func release() {
        guard let number = (Array(owned.keys) + Array(awaited.keys)).sorted().randomElement(using: &random) else {
            return
        }
        let target = TopicPartition(topic: requestsTopic, partition: number)
        if Bool.random(using: &random) {
            apply(core.beginRevoke([target], grace: .zero))
            commit(core.finishRevoke([target]))
        } else {
            apply(core.lose([target]))
        }
        owned[number] = nil
        awaited[number] = nil
        paused.remove(target)
    }

    mutating func holdOrRelease() {
        guard let hold = ConsumerCore.Hold.allCases.randomElement(using: &random) else { return }
        apply(core.holds.contains(hold) ? core.release(from: hold) : core.hold(for: hold))
    }

    /// Also one that is somebody else's.
    mutating func haltOrGoOn() {
        let partition = partition(Int32.random(in: 0..<3, using: &random))
        apply(core.halted[partition] == nil ? core.halt(partition, because: "why") : core.goOn(partition))
    }

    /// What the hosts know of it is what holds.
    mutating func checkHalts() {
        for partition in core.status(at: now).partitions where partition.isGranted {
            let isHalted = core.halted[partition.partition] != nil
            if isHalted, !core.paused.contains(partition.partition) { problems.append("halted and still read") }
            for slot in hosts.keys where halted[slot, default: []].contains(partition.assignment) != isHalted {
                problems.append("a host that does not know what is halted")
            }
        }
    }

    mutating func fence() {
        guard let slot = hosts.keys.sorted().randomElement(using: &random),
            let dispatch = hosts[slot]?.values.min(by: { $0.entry < $1.entry })
        else { return }
        apply(core.reported(.fenced(assignment: dispatch.assignment), by: slot, at: now))
    }

    mutating func answerFence() {
        guard let (partition, assignment) = refences.popLast() else { return }
        let fence = Fence(group: "g", cluster: "c", topic: requestsTopic, partition: partition.partition, token: 7)
        apply(core.refenced(partition, assignment: assignment, fence: fence, at: now))
    }

    /// Lets everything come to an end.
    mutating func finish() {
        for hold in ConsumerCore.Hold.allCases { apply(core.release(from: hold)) }
        for partition in core.halted.keys.sorted() { apply(core.goOn(partition)) }
        for _ in 0..<2_000 {
            for slot in 0..<slots where hosts[slot] == nil {
                hosts[slot] = [:]
                apply(core.hostStarted(slot))
            }
            while !preparations.isEmpty { answer(preparations.removeFirst()) }
            while !refences.isEmpty { answerFence() }
            while hosts.values.contains(where: { !$0.isEmpty }) { settle() }
            while !deadLetters.isEmpty { answerDeadLetter() }
            while !fetches.isEmpty { answerFetch(mayFail: false) }
            while outstanding != nil { answerCommit() }
            now += .seconds(61)
            apply(core.tick(at: now))
            apply(core.alignFlow(paused: paused))
            let isDone = core.status(at: now).partitions.allSatisfy {
                $0.held == 0 && $0.watermark == $0.committed && $0.isGranted && $0.wait == nil
                    && !paused.contains($0.partition)
            }
            if isDone, outstanding == nil { return }
        }
        problems.append("something is neither settled nor moving, or neither granted nor read")
    }
}

private struct TopicOffset: Hashable {
    var partition: TopicPartition
    var offset: Int64
}

@Suite("The consumer's core against a naive world")
struct ConsumerModelTests {
    @Test(
        """
        Invariant 1: whatever happens in whatever order, nothing is committed ahead of a settlement, and every partition \
        that is ours is granted and read in the end
        """)
    func randomInterleavings() {
        let seed = testSeed()
        var seeds = SeededGenerator(seed: seed)
        for _ in 0..<150 {
            let slots = Int.random(in: 1...3, using: &seeds)
            let requests = [4, 20].randomElement(using: &seeds) ?? 20
            let bounds = Backpressure.Bounds(requests: requests, bytes: 10_000, span: 30)
            var world = World(
                core: .forTests(slots: slots, trialSlots: Int.random(in: 0...2, using: &seeds), bounds: bounds),
                random: SeededGenerator(seed: seeds.next()), slots: slots
            )
            for _ in 0..<300 { world.act() }
            world.finish()
            #expect(world.problems.isEmpty, "CARRYON_TEST_SEED=\(seed)")
            for (number, position) in world.owned where position > 0 {
                let end = world.logs[number]?[position - 1].offset ?? -1
                #expect(world.committed[number] ?? 0 > end, "CARRYON_TEST_SEED=\(seed)")
                let isSettled = world.logs[number]?.prefix(position).allSatisfy {
                    world.settled[number]?.contains($0.offset) == true
                }
                #expect(isSettled == true, "CARRYON_TEST_SEED=\(seed)")
            }
            if !world.problems.isEmpty { return }
        }
    }
}
