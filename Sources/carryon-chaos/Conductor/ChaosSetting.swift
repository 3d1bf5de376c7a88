import Foundation

/// How large a run is, and what of it chance decides.
struct ChaosSetting: Sendable {
    /// Of what users say.
    var seed: UInt64
    /// Of what is done to the service.
    var faultSeed: UInt64
    var sessions: Int
    var turns: Int
    var workers: Int
    var hosts: Int
    var partitions: Int
    var store: StoreKind
    /// How long faults go on.
    var window: Duration
    /// How long the rest may take once everything is whole again.
    var deadline: Duration
    /// Time between faults that leave the group as it is, and between those that do not.
    var lightEvery: Duration
    var heavyEvery: Duration
    /// The kinds of faults that are wanted.
    var kinds: Set<Fault.Kind>
    /// Further settings of the workers, without their prefix.
    var further: [String: String]
    var directory: URL
    var keepsFiles: Bool

    static let crashAttempts = 5
    static let outOfMemoryAttempts = 3

    var conversationPlan: ConversationPlan { ConversationPlan(seed: seed, sessions: sessions, turns: turns) }

    var faultPlan: FaultPlan {
        FaultPlan(
            seed: faultSeed, milliseconds: window.wholeMilliseconds, workers: workers,
            lightEvery: lightEvery.wholeMilliseconds, heavyEvery: heavyEvery.wholeMilliseconds, kinds: kinds)
    }

    /// What every worker is told of it.
    var workerSettings: [String: String] {
        [
            "HOSTS": "\(hosts)", "CRASH_ATTEMPTS": "\(Self.crashAttempts)",
            "OUT_OF_MEMORY_ATTEMPTS": "\(Self.outOfMemoryAttempts)", "DRAIN_TIMEOUT": "300ms",
        ].merging(further, uniquingKeysWith: { $1 })
    }

    /// What to type to have the same plans again.
    var commandLine: String {
        "deploy/chaos --seed \(seed) --fault-seed \(faultSeed) --sessions \(sessions) --turns \(turns)"
            + " --workers \(workers) --hosts \(hosts) --partitions \(partitions) --store \(store.rawValue)"
            + " --seconds \(window.wholeMilliseconds / 1000) --light-every \(lightEvery.wholeMilliseconds)"
            + " --heavy-every \(heavyEvery.wholeMilliseconds)"
            + (kinds.count == Fault.Kind.allCases.count
                ? "" : " --only " + kinds.map(\.rawValue).sorted().joined(separator: ","))
            + further.sorted { $0.key < $1.key }.map { " --set \($0.key)=\($0.value)" }.joined()
    }
}

extension Duration {
    var wholeMilliseconds: Int {
        Int(components.seconds) * 1_000 + Int(components.attoseconds / 1_000_000_000_000_000)
    }
}
