import LanguageModels
import TestSupport
import Testing

@Suite("Retrying a provider's call")
struct RetryPolicyTests {
    private let overloaded = ModelError(.overloaded, "no capacity")

    @Test("Waits double from half a second, and the fourth failure is the last")
    func doubling() {
        let waits = (1...5).map { RetryPolicy.standard.delay(after: overloaded, failures: $0, random: 0) }
        #expect(waits == [.milliseconds(500), .seconds(1), .seconds(2), nil, nil])
    }

    @Test("What can never succeed is not tried again", arguments: ModelError.Code.allCases)
    func retriability(code: ModelError.Code) {
        let error = ModelError(code, "failed")
        let delay = RetryPolicy.standard.delay(after: error, failures: 1, random: 0)
        #expect((delay != nil) == error.isRetriable)
    }

    @Test("No failure is retried without retries")
    func none() {
        #expect(RetryPolicy.none.delay(after: overloaded, failures: 1, random: 0) == nil)
        #expect(RetryPolicy(attempts: -3).delay(after: overloaded, failures: 1, random: 0) == nil)
    }

    @Test("Waits grow to the longest one and stay there, however many failures there are")
    func longest() {
        let policy = RetryPolicy(attempts: .max, jitter: 0)
        let waits = [6, 7, 8, 5000, Int.max - 1].map {
            policy.delay(after: overloaded, failures: $0, random: 1)
        }
        #expect(waits == [.seconds(16), .seconds(30), .seconds(30), .seconds(30), .seconds(30)])
    }

    @Test("The provider's own delay wins over the backoff, be it longer or shorter")
    func serverDelay() {
        var error = overloaded
        for delay in [Duration.zero, .milliseconds(20), .seconds(20), .seconds(60)] {
            error.retryAfter = delay
            #expect(RetryPolicy.standard.delay(after: error, failures: 3, random: 0) == delay)
        }
        error.retryAfter = .seconds(-5)
        #expect(RetryPolicy.standard.delay(after: error, failures: 3, random: 0) == .zero)
    }

    @Test("A provider that asks for too long a wait is given up")
    func longestServerDelay() {
        var error = overloaded
        error.retryAfter = .seconds(60) + .nanoseconds(1)
        #expect(RetryPolicy.standard.delay(after: error, failures: 1, random: 0) == nil)
    }

    @Test("Malformed numbers are moved to the nearest that make sense")
    func malformed() {
        let policy = RetryPolicy(firstDelay: .seconds(1), factor: .nan, jitter: .infinity)
        #expect(policy.delay(after: overloaded, failures: 3, random: 2) == .zero)
        #expect(policy.delay(after: overloaded, failures: 3, random: .nan) == .seconds(1))
        let backwards = RetryPolicy(firstDelay: .seconds(-1), factor: 0, maximumDelay: .seconds(-2), jitter: -1)
        #expect(backwards.delay(after: overloaded, failures: 3, random: 1) == .zero)
        let endless = RetryPolicy(attempts: 9, factor: .infinity, jitter: 0)
        #expect(endless.delay(after: overloaded, failures: 1, random: 1) == .milliseconds(500))
        #expect(endless.delay(after: overloaded, failures: 2, random: 1) == .seconds(30))
    }

    @Test("Whatever the policy, a wait is within its bounds, never earlier than asked for, and never shrinks")
    func bounds() {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            var policy = RetryPolicy(
                attempts: .random(in: 1...8, using: &random),
                firstDelay: .milliseconds(.random(in: 0...5000, using: &random)),
                factor: .random(in: 1...4, using: &random),
                maximumDelay: .milliseconds(.random(in: 0...40_000, using: &random)),
                longestServerDelay: .seconds(.random(in: 0...60, using: &random)),
                jitter: .random(in: 0...1, using: &random))
            var error = ModelError(ModelError.Code.allCases.randomElement(using: &random) ?? .disconnect, "failed")
            if Bool.random(using: &random) { error.retryAfter = .seconds(.random(in: 0...90, using: &random)) }
            let failures = Int.random(in: 1...9, using: &random)
            let delay = policy.delay(after: error, failures: failures, random: .random(in: 0...1, using: &random))
            let isLast =
                !error.isRetriable || failures >= policy.attempts
                || (error.retryAfter ?? .zero) > policy.longestServerDelay
            #expect((delay == nil) == isLast, "CARRYON_TEST_SEED=\(seed) \(policy) \(error) \(failures)")
            guard let delay else { continue }
            let naive = naiveBackoff(policy, failures: failures)
            let tolerance = Duration.microseconds(1)
            if let asked = error.retryAfter {
                #expect(delay >= asked, "CARRYON_TEST_SEED=\(seed)")
                #expect(delay <= asked + naive * policy.jitter + tolerance, "CARRYON_TEST_SEED=\(seed)")
            } else {
                #expect(delay <= naive + tolerance, "CARRYON_TEST_SEED=\(seed)")
                #expect(delay >= naive * (1 - policy.jitter) - tolerance, "CARRYON_TEST_SEED=\(seed)")
                policy.jitter = 0
                let first = policy.delay(after: error, failures: 1, random: 0) ?? .zero
                #expect(policy.delay(after: error, failures: failures, random: 0) ?? .zero >= first)
            }
        }
    }

    private func naiveBackoff(_ policy: RetryPolicy, failures: Int) -> Duration {
        var delay = policy.firstDelay
        for _ in 1..<failures { delay = min(delay * policy.factor, .seconds(1000)) }
        return min(delay, policy.maximumDelay)
    }
}
