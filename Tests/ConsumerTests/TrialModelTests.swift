import Consumer
import Kafka
import SessionStore
import Testing
import TestSupport
import TurnHost

/// Hosts that carry a session's requests out in order, some of which always kill their host; what the session store
/// would remember of each run; a broker. Nothing in it knows how the culprits are found.
private struct TrialWorld {
    struct Host {
        var id: String
        /// By session, in the order in which they came.
        var queues: [String: [Dispatch]] = [:]
        var begun: Set<String> = []
    }

    var core: ConsumerCore
    var random: SeededGenerator
    let slots: Int
    let culprits: Set<Int64>
    let log: [KafkaRecord]
    var now = ContinuousClock.now
    var hosts: [Int: Host] = [:]
    var trialHostsWanted: Set<Int> = []
    var started = 0
    var received = 0
    /// By offset: the host of a run whose end nobody has recorded yet, and the ends that are recorded.
    var openRuns: [Int64: String] = [:]
    var ends: [Int64: [RunEnd]] = [:]
    var settled: Set<Int64> = []
    var committed: Int64 = 0
    var deaths = 0
    var problems: [String] = []

    static let budget = 3

    init(random: SeededGenerator) {
        var random = random
        slots = Int.random(in: 1...3, using: &random)
        let sessions = Int.random(in: 1...40, using: &random)
        log = (0..<Int64.random(in: 1...80, using: &random)).map { offset in
            requestRecord(session: "s\(Int.random(in: 0..<sessions, using: &random))", offset: offset)
        }
        let share = Int.random(in: 2...10, using: &random)
        culprits = Set(log.map(\.offset).filter { _ in Int.random(in: 0..<share, using: &random) == 0 })
        core = .forTests(slots: slots, trialSlots: Int.random(in: 1...3, using: &random))
        self.random = random
        apply(core.own(0, end: 0, at: now))
    }

    func charges(_ offset: Int64) -> Int { ends[offset, default: []].count(where: \.isCharged) }

    mutating func apply(_ actions: [ConsumerCore.Action]) {
        for action in actions {
            switch action {
            case .send(let slot, .dispatch(let dispatches)): for dispatch in dispatches { take(dispatch, at: slot) }
            case .send(let slot, _): if hosts[slot] == nil { problems.append("a command to a dead host") }
            case .commit(let offsets): commit(offsets)
            case .startTrialHost(let slot):
                if !core.trialSlots.contains(slot) || !trialHostsWanted.insert(slot).inserted {
                    problems.append("each trial host is asked for once")
                }
            case .fetch, .noteLost: problems.append("something was put off")
            case .writeDeadLetter, .refence, .pause, .resume, .prepare, .breakOff: break
            }
        }
    }

    mutating func take(_ dispatch: Dispatch, at slot: Int) {
        let session = dispatch.session
        if hosts.contains(where: { $0.key != slot && $0.value.queues[session] != nil }) {
            problems.append("\(session) is in two hosts at once")
        }
        guard let ahead = hosts[slot]?.queues[session, default: []] else {
            return problems.append("a request for a dead host")
        }
        if ahead.contains(where: { $0.record.offset >= dispatch.record.offset }) { problems.append("out of order") }
        hosts[slot]?.queues[session, default: []].append(dispatch)
    }

    mutating func commit(_ offsets: [TopicPartition: Int64]) {
        guard let offset = offsets[partition(0)] else { return }
        if let open = log.first(where: { !settled.contains($0.offset) }), open.offset < offset {
            problems.append("committed \(offset) with \(open.offset) unsettled")
        }
        committed = offset
        apply(core.commitFinished(offsets.mapValues { _ in .committed }, at: now))
    }

    mutating func act() {
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1: receive()
        case 2...5: begin()
        case 6...8: goOn()
        case 9: start()
        case 10: elapse(.milliseconds(Int.random(in: 1...200, using: &random)))
        default: elapse(.milliseconds(Int.random(in: 1...3_000, using: &random)))
        }
    }

    mutating func elapse(_ time: Duration) {
        now += time
        apply(core.tick(at: now))
    }

    mutating func receive() {
        let batch = log[received..<min(received + Int.random(in: 1...20, using: &random), log.count)]
        received += batch.count
        apply(core.receive(Array(batch), at: now))
    }

    mutating func start() {
        let missing = (Array(0..<slots) + trialHostsWanted.sorted()).filter { hosts[$0] == nil }
        guard let slot = missing.randomElement(using: &random) else { return }
        started += 1
        hosts[slot] = Host(id: "h\(started)")
        apply(core.hostStarted(slot))
    }

    /// The first request begins of one session, or of all that a host has.
    mutating func begin() {
        guard let slot = hosts.keys.sorted().randomElement(using: &random), let host = hosts[slot] else { return }
        let idle = host.queues.keys.filter { !host.begun.contains($0) }.sorted()
        let isBurst = Int.random(in: 0..<4, using: &random) > 0
        for session in isBurst ? idle : [idle.randomElement(using: &random)].compactMap(\.self) {
            begin(session, in: slot, host)
        }
    }

    /// What the request's last run ended of is put on record.
    mutating func begin(_ session: String, in slot: Int, _ host: Host) {
        guard let dispatch = host.queues[session]?.first else { return }
        let offset = dispatch.record.offset
        if let last = openRuns[offset] {
            let death = dispatch.death.flatMap { $0.hostID == last ? $0 : nil }
            ends[offset, default: []].append(death?.runEnd ?? .unknown)
        }
        openRuns[offset] = host.id
        hosts[slot]?.begun.insert(session)
        apply(core.reported(.began(entries: [dispatch.entry]), by: slot, at: now))
    }

    /// Something that has begun comes to its end, or brings about its host's.
    mutating func goOn() {
        guard let slot = hosts.keys.sorted().randomElement(using: &random),
            let session = hosts[slot]?.begun.sorted().randomElement(using: &random),
            let dispatch = hosts[slot]?.queues[session]?.first
        else { return }
        let offset = dispatch.record.offset
        if culprits.contains(offset), charges(offset) < Self.budget { return die(slot) }
        settled.insert(offset)
        hosts[slot]?.begun.remove(session)
        hosts[slot]?.queues[session]?.removeFirst()
        if hosts[slot]?.queues[session]?.isEmpty == true { hosts[slot]?.queues[session] = nil }
        apply(core.reported(.settled(entries: [dispatch.entry]), by: slot, at: now))
    }

    mutating func die(_ slot: Int) {
        guard let host = hosts.removeValue(forKey: slot) else { return }
        deaths += 1
        let kind: RunEnd = Bool.random(using: &random) ? .crashed : .outOfMemory
        apply(core.hostDied(slot, death: HostDeath(kind: kind, cause: "SIGSEGV", hostID: host.id), at: now))
    }

    /// - Returns: whether everything came to its end.
    mutating func run() -> Bool {
        for _ in 0..<200_000 {
            act()
            if settled.count == log.count || !problems.isEmpty { return true }
        }
        return false
    }
}

@Suite("Culprits among neighbours")
struct TrialModelTests {
    @Test("Invariant 7: what kills its host is found alone and charged its budget, and its neighbours nothing")
    func culpritsAndNeighbours() {
        let seed = testSeed()
        var seeds = SeededGenerator(seed: seed)
        for _ in 0..<150 {
            var world = TrialWorld(random: SeededGenerator(seed: seeds.next()))
            let isOver = world.run()
            let hint: Comment = "CARRYON_TEST_SEED=\(seed)"
            #expect(isOver, hint)
            #expect(world.problems.isEmpty, hint)
            #expect(world.committed == Int64(world.log.count), hint)
            for record in world.log {
                let budget = world.culprits.contains(record.offset) ? TrialWorld.budget : 0
                #expect(world.charges(record.offset) == budget, hint)
            }
            // A first death, a second that makes suspects, and halving 40 sessions down to one, for each charge.
            #expect(world.deaths <= world.culprits.count * (2 + 6 + TrialWorld.budget), hint)
            if !isOver || !world.problems.isEmpty { return }
        }
    }
}
