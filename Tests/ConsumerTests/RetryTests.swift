import Consumer
import Testing
import TestSupport

@Suite("Waiting before another attempt")
struct RetryTests {
    @Test("The first attempt is made at once, then the waits double up to the longest")
    func doubling() {
        let delays = RetryDelay(jitter: 0)
        var random = SeededGenerator(seed: 1)
        let waits = [1, 2, 3, 4, 8, 9, 1_000].map { delays.delay(after: $0, using: &random) }
        #expect(waits == [.zero, .seconds(1), .seconds(2), .seconds(4), .seconds(60), .seconds(60), .seconds(60)])
    }

    @Test("Jitter stays within its fraction")
    func jitter() {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<1_000 {
            let wait = RetryDelay().delay(after: 3, using: &random)
            #expect(wait >= .milliseconds(1_600) && wait <= .milliseconds(2_400), "CARRYON_TEST_SEED=\(seed)")
        }
    }

    @Test("One idle host's death costs nothing; deaths in a row cost more each time, until one lived for a minute")
    func restarts() {
        var policy = RestartPolicy()
        var now = ContinuousClock.now
        var waits: [Duration] = []
        for _ in 0..<9 {
            let wait = policy.died(hasWorked: false, at: now)
            waits.append(wait)
            now += wait
        }
        let expected: [Duration] = [0, 1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) }
        #expect(waits == expected)
        #expect(policy.died(hasWorked: false, at: now + .seconds(61)) == .zero)
    }

    @Test("A host that has worked is replaced at once, however often that happens, and shows that hosts can start")
    func restartsAfterWork() {
        var policy = RestartPolicy()
        let now = ContinuousClock.now
        for _ in 0..<9 { #expect(policy.died(hasWorked: true, at: now) == .zero) }
        #expect(policy.died(hasWorked: false, at: now) == .zero)
        #expect(policy.died(hasWorked: false, at: now) == .seconds(1))
        #expect(policy.died(hasWorked: true, at: now) == .zero)
        #expect(policy.died(hasWorked: false, at: now) == .zero)
    }
}
