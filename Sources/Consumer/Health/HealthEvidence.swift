package import Kafka
import TurnHost

/// Everything that a worker's health is judged by, as it is at one moment.
package struct HealthEvidence: Sendable {
    package var status: ConsumerStatus
    package var membership: GroupMembership
    /// How long the worker has been no member of its group; `nil` while it is one.
    package var outsideGroup: Duration?
    /// How long ago the store last answered, and what it said since.
    package var storeAge: Duration?
    package var storeError: String?
    /// The error after which the producer or the consumer can only be replaced.
    package var fatal: KafkaError?

    package init(
        status: ConsumerStatus, membership: GroupMembership, outsideGroup: Duration? = nil, storeAge: Duration? = nil,
        storeError: String? = nil, fatal: KafkaError? = nil
    ) {
        self.status = status
        self.membership = membership
        self.outsideGroup = outsideGroup
        self.storeAge = storeAge
        self.storeError = storeError
        self.fatal = fatal
    }

    /// The verdict of each clock. Pure.
    package func judged(by thresholds: HealthThresholds) -> WorkerHealth {
        var checks = [
            WorkerHealth.Check("poll", .liveness, age: status.pollAge, threshold: thresholds.poll),
            oldestTurn(thresholds), membership(thresholds),
        ]
        if !isMember {
            checks.append(WorkerHealth.Check("joined", .readiness, isPassed: false, detail: "\(membership)"))
        }
        checks.append(partitions(thresholds))
        checks.append(hosts(thresholds))
        checks.append(
            WorkerHealth.Check(
                "store", .readiness, age: storeAge, threshold: thresholds.store,
                detail: storeError.map { "the session store is away: \($0)" }))
        checks.append(producer(thresholds))
        for hold in ConsumerCore.Hold.allCases where status.holds.contains(hold) {
            checks.append(WorkerHealth.Check("intake", .readiness, isPassed: false, detail: hold.reason))
        }
        for partition in status.partitions {
            guard let reason = partition.haltReason else { continue }
            // An operator wanted it: that is worth knowing, and nothing to be mended.
            checks.append(
                WorkerHealth.Check(
                    "paused", .readiness, isPassed: true, detail: "\(partition.partition) is paused: \(reason)"))
        }
        return WorkerHealth(checks: checks)
    }

    private var isMember: Bool { if case .member = membership { true } else { false } }

    private func oldestTurn(_ thresholds: HealthThresholds) -> WorkerHealth.Check {
        let oldest = status.hosts.compactMap { host in
            host.vitals?.oldestTurn.map { (age: $0, session: host.vitals?.oldestSession) }
        }.max { $0.age < $1.age }
        guard let limit = thresholds.turn else {
            return WorkerHealth.Check("oldest-turn", .liveness, isPassed: true, age: oldest?.age)
        }
        let check = WorkerHealth.Check("oldest-turn", .liveness, age: oldest?.age, threshold: limit)
        guard !check.isPassed, let session = oldest?.session else { return check }
        return WorkerHealth.Check(
            "oldest-turn", .liveness, age: oldest?.age, threshold: limit,
            detail: "the turn of session \(session) was not ended by its timeout")
    }

    private func membership(_ thresholds: HealthThresholds) -> WorkerHealth.Check {
        if let fatal {
            return WorkerHealth.Check("group", .liveness, isPassed: false, detail: fatal.description)
        }
        if case .fenced(let error) = membership {
            return WorkerHealth.Check("group", .liveness, isPassed: false, detail: "shut out for good: \(error)")
        }
        return WorkerHealth.Check(
            "group", .liveness, age: outsideGroup ?? (isMember ? .zero : nil), threshold: thresholds.group)
    }

    /// What is in the way lies with the store, the brokers or the topics: a restart would wait for it just the same.
    private func partitions(_ thresholds: HealthThresholds) -> WorkerHealth.Check {
        let waiting = status.partitions.compactMap { partition in partition.wait.map { (partition.partition, $0) } }
        guard let (longest, wait) = waiting.max(by: { $0.1.age < $1.1.age }) else {
            return WorkerHealth.Check("partitions", .readiness, age: .zero, threshold: thresholds.partition)
        }
        let detail = "\(longest) is assigned and not worked on: \(wait.obstacle ?? "it is still being prepared")"
        return WorkerHealth.Check(
            "partitions", .readiness, age: wait.age, threshold: thresholds.partition,
            detail: wait.age > thresholds.partition ? detail : nil)
    }

    private func hosts(_ thresholds: HealthThresholds) -> WorkerHealth.Check {
        let expected = status.hosts.filter { !$0.isOnDemand }
        let down = expected.filter { !$0.isUp }
        if !down.isEmpty {
            return WorkerHealth.Check(
                "hosts", .readiness, isPassed: false, detail: "\(down.count) of \(expected.count) hosts are not up")
        }
        let silent = status.hosts.filter(\.isUp).compactMap { host in host.silence.map { (host.slot, $0) } }
            .max { $0.1 < $1.1 }
        let isSilent = silent.map { $0.1 > thresholds.host } ?? false
        return WorkerHealth.Check(
            "hosts", .readiness, age: silent?.1, threshold: thresholds.host,
            detail: isSilent ? silent.map { "the host of slot \($0.0) does not answer" } : nil)
    }

    private func producer(_ thresholds: HealthThresholds) -> WorkerHealth.Check {
        let stalled = status.hosts.compactMap { $0.vitals?.eventsStalled }.max()
        return WorkerHealth.Check(
            "producer", .readiness, age: stalled ?? .zero, threshold: thresholds.producer,
            detail: stalled.map { $0 > thresholds.producer } == true ? "events are not acknowledged" : nil)
    }
}

extension ConsumerCore.Hold {
    /// Why nothing new is taken in, in a sentence.
    package var reason: String {
        switch self {
        case .drain: "the worker is stopping"
        case .quiet: "the worker was asked for quiet"
        case .storeAway: "the session store is away, so nothing new is taken in"
        }
    }
}
