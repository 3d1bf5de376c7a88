import DequeModule
package import Kafka

/// Who may have how many requests in hand at once, so that neither one busy session nor one tenant's burst keeps all
/// others out.
///
/// A request that its session or its tenant has no claim to is deferred: no more of it is kept than where it is. Once a
/// session has deferred requests, all that come behind them are deferred too, so that its order stays; they are called
/// for when half of the session's share is free, oldest first. A value, without a clock.
package struct FairShare {
    /// A session, of one partition.
    package struct Claimant: Sendable, Hashable {
        package var partition: TopicPartition
        package var session: String

        package init(partition: TopicPartition, session: String) {
            self.partition = partition
            self.session = session
        }
    }

    /// A request that is read again when it may be.
    package struct Deferred {
        package var entry: OffsetTracker.Entry
        package var tenant: String?
    }

    private struct Claim {
        /// Requests in hand, and those that were called for.
        var count = 0
        /// Those that were called for and have not arrived.
        var expected = 0
        var tenants: [String: Int] = [:]
        var deferred: Deque<Deferred> = []
        /// It waits for its turn to call, or for its tenant's.
        var isQueued = false
    }

    private struct Tenant {
        var count = 0
        /// Claimants whose next request has to wait for one of the tenant's to be settled.
        var waiting: Deque<Claimant> = []
    }

    /// How many requests a session may have in hand.
    package let perSession: Int
    /// How many requests a tenant may have in hand.
    package let perTenant: Int
    private var claims: [Claimant: Claim] = [:]
    private var tenants: [String: Tenant] = [:]
    /// Claimants that may call, in the order in which they came to that.
    private var ready: Deque<Claimant> = []
    /// Partitions of which nothing is called for, and who of them would have.
    private var suspended: [TopicPartition: [Claimant]] = [:]
    /// Requests that are deferred and were not called for.
    package private(set) var deferredCount = 0
    /// Requests that were called for and have not arrived, and what they weigh.
    package private(set) var expected = (requests: 0, bytes: 0)

    /// - Parameters:
    ///   - requests: how many requests may be in hand altogether. Nobody gets more than half of them.
    ///   - perSession: how many one session may have; at least 16 count, for what a running turn makes of those that wait.
    package init(requests: Int, perSession: Int) {
        perTenant = max(1, requests / 2)
        self.perSession = min(max(perSession, 16), max(1, requests / 2))
    }

    /// How many requests of a partition are deferred and were not called for.
    package func deferredCount(of partition: TopicPartition) -> Int {
        claims.reduce(0) { $1.key.partition == partition ? $0 + $1.value.deferred.count : $0 }
    }

    /// How many requests of a claimant are in hand, or were called for.
    package func count(of claimant: Claimant) -> Int { claims[claimant]?.count ?? 0 }

    /// A request has come in. Returns whether it may be kept in hand; otherwise it is deferred.
    package mutating func admit(_ entry: OffsetTracker.Entry, of claimant: Claimant, tenant: String?) -> Bool {
        var claim = claims.removeValue(forKey: claimant) ?? Claim()
        defer { claims[claimant] = claim }
        if claim.deferred.isEmpty, claim.expected == 0, claim.count < perSession, hasRoom(tenant) {
            take(tenant, into: &claim)
            return true
        }
        claim.deferred.append(Deferred(entry: entry, tenant: tenant))
        deferredCount += 1
        queue(claimant, &claim)
        return false
    }

    /// A request in hand is settled, or given up.
    package mutating func release(_ claimant: Claimant, tenant: String?) {
        guard var claim = claims.removeValue(forKey: claimant) else { return }
        claim.count -= 1
        if let tenant {
            claim.tenants[tenant, default: 0] -= 1
            if claim.tenants[tenant] == 0 { claim.tenants[tenant] = nil }
            release(tenant, 1)
        }
        queue(claimant, &claim)
        if claim.count > 0 || !claim.deferred.isEmpty { claims[claimant] = claim }
    }

    /// Which deferred requests may come now, given that there is room for so many more: each claimant's in order. They
    /// count as in hand from now on.
    package mutating func call(room: (requests: Int, bytes: Int)) -> [(claimant: Claimant, deferred: Deferred)] {
        var room = room
        var called: [(claimant: Claimant, deferred: Deferred)] = []
        while room.requests > 0, room.bytes > 0, let claimant = ready.popFirst() {
            if suspended[claimant.partition] != nil {
                setAside(claimant)
                continue
            }
            guard var claim = claims.removeValue(forKey: claimant) else { continue }
            defer { claims[claimant] = claim }
            claim.isQueued = false
            while claim.count < perSession, let next = claim.deferred.first {
                guard room.requests > 0, room.bytes > 0 else {
                    claim.isQueued = true
                    ready.prepend(claimant)
                    break
                }
                guard hasRoom(next.tenant) else {
                    claim.isQueued = true
                    if let tenant = next.tenant { tenants[tenant, default: Tenant()].waiting.append(claimant) }
                    break
                }
                claim.deferred.removeFirst()
                take(next.tenant, into: &claim)
                claim.expected += 1
                deferredCount -= 1
                expected = (expected.requests + 1, expected.bytes + next.entry.bytes)
                room = (room.requests - 1, room.bytes - next.entry.bytes)
                called.append((claimant, next))
            }
        }
        return called
    }

    /// Nothing of the partition is called for until ``resume(_:)``, also if it goes and comes back.
    package mutating func suspend(_ partition: TopicPartition) {
        if suspended[partition] == nil { suspended[partition] = [] }
    }

    /// Those of the partition may call again, in the order in which they came to that.
    package mutating func resume(_ partition: TopicPartition) {
        ready.append(contentsOf: suspended.removeValue(forKey: partition) ?? [])
    }

    /// It was this one's turn, which it must not take: whoever waits for the same tenant's room behind it may.
    private mutating func setAside(_ claimant: Claimant) {
        suspended[claimant.partition]?.append(claimant)
        guard let tenant = claims[claimant]?.deferred.first?.tenant, hasRoom(tenant),
            let next = tenants[tenant]?.waiting.popFirst()
        else { return }
        ready.append(next)
    }

    /// A request that was called for is here, or it is known that it will not come.
    package mutating func arrived(_ claimant: Claimant, bytes: Int) {
        guard claims[claimant]?.expected ?? 0 > 0 else { return }
        claims[claimant]?.expected -= 1
        expected = (expected.requests - 1, expected.bytes - bytes)
    }

    /// The partition is somebody else's, with all that was called for and has not arrived.
    /// - Parameter expectedBytes: what that weighs.
    package mutating func forget(_ partition: TopicPartition, expectedBytes: Int) {
        for (claimant, claim) in claims where claimant.partition == partition {
            claims[claimant] = nil
            deferredCount -= claim.deferred.count
            expected.requests -= claim.expected
            for (tenant, count) in claim.tenants { release(tenant, count) }
        }
        expected.bytes -= expectedBytes
        // Whoever had been let in front of the queues may be among those that are gone: all queue anew.
        for tenant in tenants.keys {
            ready.append(contentsOf: tenants[tenant]?.waiting ?? [])
            tenants[tenant]?.waiting = []
            if tenants[tenant]?.count == 0 { tenants[tenant] = nil }
        }
        ready.removeAll { $0.partition == partition }
        if suspended[partition] != nil { suspended[partition] = [] }
    }

    private func hasRoom(_ tenant: String?) -> Bool {
        guard let tenant else { return true }
        return tenants[tenant]?.count ?? 0 < perTenant
    }

    private mutating func take(_ tenant: String?, into claim: inout Claim) {
        claim.count += 1
        guard let tenant else { return }
        claim.tenants[tenant, default: 0] += 1
        tenants[tenant, default: Tenant()].count += 1
    }

    /// Each request that goes makes room for one claimant that waits for it.
    private mutating func release(_ tenant: String, _ count: Int) {
        guard var state = tenants.removeValue(forKey: tenant) else { return }
        state.count -= count
        for _ in 0..<count {
            if let next = state.waiting.popFirst() { ready.append(next) }
        }
        if state.count > 0 || !state.waiting.isEmpty { tenants[tenant] = state }
    }

    /// Lets a claimant call as soon as half of its share is free.
    private mutating func queue(_ claimant: Claimant, _ claim: inout Claim) {
        guard !claim.isQueued, !claim.deferred.isEmpty, claim.count <= perSession / 2 else { return }
        claim.isQueued = true
        ready.append(claimant)
    }
}
