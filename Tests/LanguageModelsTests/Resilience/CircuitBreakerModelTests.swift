import LanguageModels
import TestSupport
import Testing

/// What a breaker is to do, told by its whole past: slow, and without a state.
private struct BreakerModel {
    enum Entry {
        case admitted(Int)
        case settled(Int, CircuitBreakerState.Outcome, at: ContinuousClock.Instant)
    }

    /// What the past amounts to.
    struct Situation: Equatable {
        var failures = 0
        var cooldown: Duration?
        var until: ContinuousClock.Instant?
        var probe: Int?
        /// The calls on their way whose end means something.
        var relevant: Set<Int> = []
    }

    let limits: CircuitBreaker.Limits
    var past: [Entry] = []

    var situation: Situation {
        var now = Situation()
        for entry in past {
            switch entry {
            case .admitted(let call) where now.cooldown == nil: now.relevant.insert(call)
            case .admitted(let call):
                now.probe = call
                now.relevant = [call]
            case .settled(let call, let outcome, let time):
                guard now.relevant.remove(call) != nil else { continue }
                apply(outcome, at: time, to: &now)
            }
        }
        return now
    }

    private func apply(
        _ outcome: CircuitBreakerState.Outcome, at time: ContinuousClock.Instant, to now: inout Situation
    ) {
        let wasProbe = now.probe != nil
        now.probe = nil
        switch outcome {
        case .succeeded: now = Situation(relevant: wasProbe ? [] : now.relevant)
        case .undecided: if wasProbe { now.until = time }
        case .failed(let asked):
            now.failures += 1
            guard wasProbe || now.failures == limits.failures else { return }
            let cooldown = now.cooldown.map { min($0 * 2, limits.maximumCooldown) } ?? limits.cooldown
            let pause = max(cooldown, min(asked ?? .zero, limits.maximumCooldown))
            now = Situation(cooldown: cooldown, until: time + pause)
        }
    }

    func admits(at time: ContinuousClock.Instant) -> Bool {
        let now = situation
        return now.probe == nil && time >= now.until ?? time
    }
}

@Suite("A circuit breaker against a naive model")
struct CircuitBreakerModelTests {
    @Test("Whatever happens in whatever order, it decides as its whole past demands", arguments: 0..<60)
    func model(round: UInt64) {
        let seed = testSeed() &+ round
        var random = SeededGenerator(seed: seed)
        let limits = CircuitBreaker.Limits(
            failures: .random(in: 1...4, using: &random), cooldown: .seconds(.random(in: 1...10, using: &random)),
            maximumCooldown: .seconds(.random(in: 5...30, using: &random)))
        var state = CircuitBreakerState(limits)
        var model = BreakerModel(limits: limits)
        var calls: [(number: Int, call: CircuitBreakerState.Call)] = []
        var now = ContinuousClock.now
        for number in 0..<120 {
            now += .milliseconds(.random(in: 0...4000, using: &random))
            if calls.isEmpty || Bool.random(using: &random) {
                let admits = model.admits(at: now)
                switch state.admit(at: now) {
                case .call(let call):
                    #expect(admits, "seed \(seed), step \(number)")
                    calls.append((number, call))
                    model.past.append(.admitted(number))
                case .refuse(let until):
                    #expect(!admits, "seed \(seed), step \(number)")
                    let situation = model.situation
                    #expect(until == (situation.probe == nil ? situation.until : nil), "seed \(seed), step \(number)")
                }
            } else {
                let (number, call) = calls.remove(at: .random(in: calls.indices, using: &random))
                let outcome = Self.outcome(using: &random)
                state.settle(call, as: outcome, at: now)
                model.past.append(.settled(number, outcome, at: now))
            }
        }
    }

    private static func outcome(using random: inout SeededGenerator) -> CircuitBreakerState.Outcome {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<3: .succeeded
        case 3..<5: .undecided
        case 5..<6: .failed(retryAfter: .seconds(.random(in: 0...60, using: &random)))
        default: .failed(retryAfter: nil)
        }
    }
}
