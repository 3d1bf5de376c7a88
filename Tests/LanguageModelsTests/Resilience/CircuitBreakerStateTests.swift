import LanguageModels
import TestSupport
import Testing

@Suite("A circuit breaker's decisions")
struct CircuitBreakerStateTests {
    private typealias State = CircuitBreakerState
    private let start = ContinuousClock.now
    private let limits = CircuitBreaker.Limits(
        failures: 3, cooldown: .seconds(30), maximumCooldown: .seconds(100))

    /// Lets a call through at once, and says how it ended.
    private func call(_ state: inout State, at now: ContinuousClock.Instant, _ outcome: State.Outcome) throws {
        guard case .call(let call) = state.admit(at: now) else {
            Issue.record("A call was refused.")
            return
        }
        state.settle(call, as: outcome, at: now)
    }

    /// A state that has just been opened at `start`.
    private func opened(retryAfter: Duration? = nil) throws -> State {
        var state = State(limits)
        for _ in 0..<2 { try call(&state, at: start, .failed(retryAfter: nil)) }
        try call(&state, at: start, .failed(retryAfter: retryAfter))
        return state
    }

    @Test("Failures in a row open it; a success in between starts the count again")
    func opening() throws {
        var state = State(limits)
        for outcome in [State.Outcome.failed(retryAfter: nil), .failed(retryAfter: nil), .succeeded] {
            try call(&state, at: start, outcome)
        }
        #expect(state.phase == .closed(failures: 0))
        for _ in 0..<3 { try call(&state, at: start, .failed(retryAfter: nil)) }
        #expect(state.admit(at: start) == .refuse(until: start + .seconds(30)))
    }

    @Test("What says nothing about the provider neither opens it nor starts the count again")
    func undecided() throws {
        var state = State(limits)
        for _ in 0..<2 { try call(&state, at: start, .failed(retryAfter: nil)) }
        for _ in 0..<10 { try call(&state, at: start, .undecided) }
        #expect(state.phase == .closed(failures: 2))
        try call(&state, at: start, .failed(retryAfter: nil))
        #expect(state.phase == .open(until: start + .seconds(30), cooldown: .seconds(30)))
    }

    @Test("After its pause one probe is let through at a time, and its success closes it")
    func probing() throws {
        var state = try opened()
        let late = start + .seconds(30)
        #expect(state.admit(at: late - .nanoseconds(1)) == .refuse(until: late))
        guard case .call(let probe) = state.admit(at: late) else {
            Issue.record("The probe was refused.")
            return
        }
        #expect(state.admit(at: late + .seconds(1000)) == .refuse(until: nil))
        state.settle(probe, as: .succeeded, at: late)
        #expect(state.phase == .closed(failures: 0))
    }

    @Test("Each probe that fails doubles the pause, up to the longest")
    func doubling() throws {
        var state = try opened()
        var now = start + .seconds(30)
        for pause in [60, 100, 100] {
            try call(&state, at: now, .failed(retryAfter: nil))
            #expect(state.admit(at: now) == .refuse(until: now + .seconds(pause)))
            now += .seconds(pause)
        }
        try call(&state, at: now, .succeeded)
        for _ in 0..<3 { try call(&state, at: now, .failed(retryAfter: nil)) }
        #expect(state.admit(at: now) == .refuse(until: now + .seconds(30)))
    }

    @Test("A provider that asks for a longer pause gets it, within bounds, without making the next ones longer")
    func serverDelay() throws {
        for (asked, pause) in [(5, 30), (45, 45), (100_000, 100)] {
            var state = try opened(retryAfter: .seconds(asked))
            #expect(state.admit(at: start) == .refuse(until: start + .seconds(pause)))
            let late = start + .seconds(pause)
            try call(&state, at: late, .failed(retryAfter: nil))
            #expect(state.admit(at: late) == .refuse(until: late + .seconds(60)))
        }
    }

    @Test("A probe that was cancelled frees the place for the next one at once")
    func cancelledProbe() throws {
        var state = try opened()
        let late = start + .seconds(31)
        try call(&state, at: late, .undecided)
        try call(&state, at: late, .failed(retryAfter: nil))
        #expect(state.phase == .open(until: late + .seconds(60), cooldown: .seconds(60)))
    }

    @Test("Calls that began before it opened change nothing when they end")
    func stragglers() throws {
        var state = State(limits)
        var calls: [State.Call] = []
        for _ in 0..<9 {
            if case .call(let call) = state.admit(at: start) { calls.append(call) }
        }
        for call in calls[0..<3] { state.settle(call, as: .failed(retryAfter: nil), at: start) }
        let opened = state
        state.settle(calls[3], as: .succeeded, at: start)
        state.settle(calls[4], as: .failed(retryAfter: nil), at: start + .seconds(29))
        #expect(state == opened)
        let late = start + .seconds(30)
        guard case .call(let probe) = state.admit(at: late) else {
            Issue.record("The probe was refused.")
            return
        }
        state.settle(calls[5], as: .succeeded, at: late)
        state.settle(calls[6], as: .failed(retryAfter: nil), at: late)
        #expect(state.phase == .probing(cooldown: .seconds(30)))
        state.settle(probe, as: .succeeded, at: late)
        for call in calls[7..<9] { state.settle(call, as: .failed(retryAfter: nil), at: late) }
        #expect(state.phase == .closed(failures: 0))
    }
}
