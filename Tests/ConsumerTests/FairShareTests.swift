import Consumer
import Kafka
import Testing
import TestSupport

/// What a fair share is, written down as naively as possible: every request with its state.
private struct NaiveShare {
    enum State { case inHand, expected, deferred }

    struct Request {
        var offset: Int64
        var claimant: FairShare.Claimant
        var tenant: String?
        var bytes: Int
        var state: State
    }

    var perSession: Int
    var perTenant: Int
    var requests: [Request] = []
    var suspended: Set<TopicPartition> = []

    func count(_ claimant: FairShare.Claimant, _ states: Set<State>) -> Int {
        requests.count { $0.claimant == claimant && states.contains($0.state) }
    }

    func hasRoom(_ tenant: String?) -> Bool {
        tenant == nil || requests.count { $0.tenant == tenant && $0.state != .deferred } < perTenant
    }

    func admits(_ claimant: FairShare.Claimant, _ tenant: String?) -> Bool {
        count(claimant, [.deferred, .expected]) == 0 && count(claimant, [.inHand]) < perSession && hasRoom(tenant)
    }

    func firstDeferred(_ claimant: FairShare.Claimant) -> Request? {
        requests.first { $0.claimant == claimant && $0.state == .deferred }
    }

    /// Claimants that have waited long enough: half of their share is free, and so is a place for their tenant.
    var overdue: [FairShare.Claimant] {
        Set(requests.map(\.claimant)).filter { claimant in
            guard let first = firstDeferred(claimant), !suspended.contains(claimant.partition) else { return false }
            return count(claimant, [.inHand, .expected]) <= perSession / 2 && hasRoom(first.tenant)
        }
    }
}

/// The share and the naive one side by side.
private struct Comparison {
    var share: FairShare
    var naive: NaiveShare
    var random: SeededGenerator
    var trackers: [TopicPartition: OffsetTracker] = [:]
    var next: Int64 = 0
    var problems: [String] = []

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        share = FairShare(requests: Int.random(in: 2...40, using: &random), perSession: 16)
        naive = NaiveShare(perSession: share.perSession, perTenant: share.perTenant)
    }

    mutating func admit() {
        let claimant = FairShare.Claimant(
            partition: partition(Int32.random(in: 0..<2, using: &random)),
            session: "s\(Int.random(in: 0..<4, using: &random))")
        let tenant = [nil, "t", "u"].randomElement(using: &random) ?? nil
        let bytes = Int.random(in: 0...100, using: &random)
        next += 1
        guard
            let entry = try? trackers[claimant.partition, default: OffsetTracker()]
                .register(next, bytes: bytes, at: .now)
        else { return problems.append("an offset was refused") }
        let isAdmitted = naive.admits(claimant, tenant)
        if share.admit(entry, of: claimant, tenant: tenant) != isAdmitted {
            problems.append("admitted: not as it should")
        }
        naive.requests.append(
            .init(
                offset: next, claimant: claimant, tenant: tenant, bytes: bytes, state: isAdmitted ? .inHand : .deferred)
        )
    }

    mutating func call(room: (requests: Int, bytes: Int)) {
        let called = share.call(room: room)
        if called.count > room.requests { problems.append("more than there was room for") }
        let weights = called.map(\.deferred.entry.bytes)
        // The last one may go beyond.
        if weights.dropLast().reduce(0, +) >= room.bytes, !called.isEmpty { problems.append("more bytes than room") }
        for (claimant, deferred) in called {
            guard let first = naive.firstDeferred(claimant), first.offset == deferred.entry.offset,
                let index = naive.requests.firstIndex(where: { $0.offset == first.offset })
            else { return problems.append("called out of order") }
            if !naive.hasRoom(first.tenant) { problems.append("a tenant has too many") }
            if naive.suspended.contains(claimant.partition) { problems.append("called for though it is suspended") }
            naive.requests[index].state = .expected
            if naive.count(claimant, [.inHand, .expected]) > naive.perSession {
                problems.append("a session has too many")
            }
        }
        if room.requests == .max, room.bytes == .max, !naive.overdue.isEmpty {
            problems.append("somebody is forgotten")
        }
    }

    mutating func arrive() {
        guard
            let index = naive.requests.indices.filter({ naive.requests[$0].state == .expected })
                .randomElement(using: &random)
        else { return }
        naive.requests[index].state = .inHand
        share.arrived(naive.requests[index].claimant, bytes: naive.requests[index].bytes)
    }

    mutating func settle() {
        guard
            let index = naive.requests.indices.filter({ naive.requests[$0].state == .inHand })
                .randomElement(using: &random)
        else { return }
        let request = naive.requests.remove(at: index)
        share.release(request.claimant, tenant: request.tenant)
    }

    mutating func forget() {
        let gone = partition(Int32.random(in: 0..<2, using: &random))
        let expected = naive.requests.filter { $0.claimant.partition == gone && $0.state == .expected }
        share.forget(gone, expectedBytes: expected.reduce(0) { $0 + $1.bytes })
        naive.requests.removeAll { $0.claimant.partition == gone }
    }

    mutating func suspend() {
        let partition = partition(Int32.random(in: 0..<2, using: &random))
        naive.suspended.insert(partition)
        share.suspend(partition)
    }

    mutating func resume() {
        for partition in naive.suspended.sorted() { share.resume(partition) }
        naive.suspended = []
    }

    mutating func act() {
        switch Int.random(in: 0..<42, using: &random) {
        case 0..<16: admit()
        case 16..<20:
            call(room: (Int.random(in: 0...6, using: &random), Int.random(in: 0...200, using: &random)))
        case 20..<22: call(room: (.max, .max))
        case 22..<29: arrive()
        case 29..<39: settle()
        case 40: suspend()
        case 41: resume()
        default: if Int.random(in: 0..<5, using: &random) == 0 { forget() }
        }
        let expected = naive.requests.filter { $0.state == .expected }
        if share.expected.requests != expected.count { problems.append("miscounted what was called for") }
        if share.expected.bytes != expected.reduce(0, { $0 + $1.bytes }) { problems.append("misweighed it") }
        if share.deferredCount != naive.requests.count(where: { $0.state == .deferred }) {
            problems.append("miscounted the deferred")
        }
    }

    /// Whatever is left has its turn in the end.
    mutating func finish() {
        resume()
        for _ in 0..<5_000 where !naive.requests.isEmpty {
            call(room: (.max, .max))
            arrive()
            settle()
        }
        if !naive.requests.isEmpty { problems.append("somebody waits for ever") }
    }
}

@Suite("Fair share")
struct FairShareTests {
    private func entries(_ count: Int) throws -> [OffsetTracker.Entry] {
        var tracker = OffsetTracker()
        return try (0..<Int64(count)).map { try tracker.register($0, bytes: 10, at: .now) }
    }

    @Test("Nobody has more than half of all, and a session no less than 16 where that is not more")
    func limits() {
        let limits = [(1, 64), (20, 64), (100, 1), (100, 64), (1_000, 64), (1_000, 600)].map {
            FairShare(requests: $0.0, perSession: $0.1)
        }
        #expect(limits.map(\.perSession) == [1, 10, 16, 50, 64, 500])
        #expect(limits.map(\.perTenant) == [1, 10, 50, 50, 500, 500])
    }

    @Test("What a busy session sends beyond its share waits until half of that is free, then comes in order")
    func busySession() throws {
        var share = FairShare(requests: 40, perSession: 20)
        let busy = FairShare.Claimant(partition: partition(0), session: "busy")
        let other = FairShare.Claimant(partition: partition(0), session: "other")
        let entries = try entries(40)
        let admitted = entries.prefix(30).map { share.admit($0, of: busy, tenant: nil) }
        #expect(admitted == (0..<30).map { $0 < 20 })
        let isOtherAdmitted = share.admit(entries[30], of: other, tenant: nil)
        #expect(isOtherAdmitted)
        for _ in 0..<9 { share.release(busy, tenant: nil) }
        let early = share.call(room: (100, 10_000))
        #expect(early.isEmpty)
        let isLaterAdmitted = share.admit(entries[31], of: busy, tenant: nil)
        #expect(!isLaterAdmitted, "there are others of its session in front of it")
        share.release(busy, tenant: nil)
        let called = share.call(room: (100, 10_000)).map(\.deferred.entry.offset)
        #expect(called == Array(20..<30))
    }

    @Test("A tenant's burst over many sessions takes up half of the room, and its sessions take turns")
    func busyTenant() throws {
        var share = FairShare(requests: 8, perSession: 16)
        func claimant(_ number: Int) -> FairShare.Claimant {
            FairShare.Claimant(partition: partition(0), session: "s\(number)")
        }
        let entries = try entries(10)
        let admitted = (0..<8).map { share.admit(entries[$0], of: claimant($0), tenant: "t") }
        #expect(admitted == (0..<8).map { $0 < 4 })
        let others = [
            share.admit(entries[8], of: claimant(8), tenant: "u"),
            share.admit(entries[9], of: claimant(9), tenant: nil),
        ]
        #expect(others == [true, true])
        for _ in 0..<2 { share.release(claimant(0), tenant: "t") }
        let called = share.call(room: (8, 1_000)).map(\.claimant.session)
        #expect(called == ["s4"], "the second release was of nothing")
    }

    @Test("Whatever happens in whatever order, it is what a naive model says, and nobody waits for ever")
    func model() {
        let seed = testSeed()
        var seeds = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            var comparison = Comparison(seed: seeds.next())
            for _ in 0..<250 { comparison.act() }
            comparison.finish()
            #expect(comparison.problems.isEmpty, "CARRYON_TEST_SEED=\(seed)")
            if !comparison.problems.isEmpty { return }
        }
    }
}
