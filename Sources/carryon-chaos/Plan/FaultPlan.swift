import TestSupport

/// What will be done to the service, and when: a function of the seed and the sizes alone.
struct FaultPlan: Sendable, Hashable {
    struct Moment: Sendable, Hashable {
        /// Milliseconds from the window's beginning.
        let at: Int
        let fault: Fault
    }

    let moments: [Moment]

    /// - Parameters:
    ///   - milliseconds: how long the window is.
    ///   - lightEvery: milliseconds between faults that leave the group as it is, on average.
    ///   - heavyEvery: the same of those that do not.
    ///   - kinds: the only kinds wanted; the others are left out, and leave the rest as it is.
    init(
        seed: UInt64, milliseconds: Int, workers: Int, lightEvery: Int, heavyEvery: Int,
        kinds: Set<Fault.Kind> = Set(Fault.Kind.allCases)
    ) {
        var generator = SeededGenerator(seed: seed)
        var moments: [Moment] = []
        var draw: [(Int, (inout SeededGenerator, Int) -> Fault)] = [(lightEvery, Self.light), (heavyEvery, Self.heavy)]
        draw.removeAll { $0.0 <= 0 }
        for (every, make) in draw {
            // One in each stretch of time, anywhere in it: random, and never a whole cluster of them.
            for start in stride(from: 0, to: milliseconds - every / 2, by: every) {
                let at = start + Int.random(in: 0..<every, using: &generator)
                moments.append(Moment(at: at, fault: make(&generator, workers)))
            }
        }
        self.moments = moments.filter { kinds.contains($0.fault.kind) }.sorted { $0.at < $1.at }
    }

    private static func light(_ generator: inout SeededGenerator, _ workers: Int) -> Fault {
        let worker = Int.random(in: 0..<workers, using: &generator)
        let host = Int.random(in: 0..<6, using: &generator)
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<50: return .killHost(worker: worker, host: host, isFault: false)
        case 50..<68: return .killHost(worker: worker, host: host, isFault: true)
        case 68..<76:
            return .freezeHost(
                worker: worker, host: host, milliseconds: Int.random(in: 200...4_000, using: &generator))
        case 76..<86: return .cutBroker
        case 86..<95: return .stallBroker(milliseconds: Int.random(in: 2_000...8_000, using: &generator))
        default: return .freezeBroker(milliseconds: Int.random(in: 1_000...5_000, using: &generator))
        }
    }

    private static func heavy(_ generator: inout SeededGenerator, _ workers: Int) -> Fault {
        let worker = Int.random(in: 0..<workers, using: &generator)
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<35:
            return .killWorker(worker: worker, downMilliseconds: Int.random(in: 100...6_000, using: &generator))
        case 35..<55:
            return .freezeWorker(
                worker: worker, milliseconds: Int.random(in: 7_000...14_000, using: &generator),
                hostsFirst: Bool.random(using: &generator))
        case 55..<80:
            return .replaceWorker(worker: worker, drainMilliseconds: Int.random(in: 100...4_000, using: &generator))
        default: return .armWorker(worker: worker, killAt: killAt(&generator))
        }
    }

    private static func killAt(_ generator: inout SeededGenerator) -> String {
        let steps = [
            "before-begin-run", "after-begin-run", "mid-stream", "before-tool", "after-tool", "step-boundary",
            "before-settle", "in-settle", "after-settle", "before-commit", "after-complete",
        ]
        let step = steps.randomElement(using: &generator) ?? "mid-stream"
        guard Int.random(in: 0..<3, using: &generator) > 0 else { return "worker:\(step)" }
        return "host:\(step):\(Int.random(in: 1...4, using: &generator))"
    }
}
