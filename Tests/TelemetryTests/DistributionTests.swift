import TestSupport
import Testing

@testable import Telemetry

@Suite("Distributions")
struct DistributionTests {
    @Test("Values are counted as a naive count does", arguments: 0..<20)
    func counting(_ index: UInt64) {
        let seed = testSeed() &+ index
        var random = SeededGenerator(seed: seed)
        let bounds = (0..<Int.random(in: 0...12, using: &random)).map { Double($0) * 1.5 - 3 }
        var distribution = Distribution(bounds: bounds)
        // Bounds themselves among them.
        let values = (0..<200).map { _ in
            bounds.randomElement(using: &random).flatMap { Bool.random(using: &random) ? $0 : nil }
                ?? Double.random(in: -10...20, using: &random)
        }
        for value in values { distribution.record(value) }
        for (index, count) in distribution.counts.enumerated() {
            let above = index == 0 ? -Double.infinity : bounds[index - 1]
            let upTo = index < bounds.count ? bounds[index] : .infinity
            #expect(count == UInt64(values.count { $0 > above && $0 <= upTo }), "seed \(seed), bucket \(index)")
        }
        #expect(abs(distribution.sum - values.reduce(0, +)) < 1e-6)
        #expect(distribution.count == 200)
    }

    @Test("What is no number is not counted")
    func notFinite() {
        var distribution = Distribution(bounds: [1])
        for value in [Double.nan, .infinity, -.infinity] { distribution.record(value) }
        #expect(distribution.count == 0)
        #expect(distribution.sum == 0)
    }

    @Test("What came since an earlier state and that state are the whole")
    func difference() {
        var earlier = Distribution(bounds: [1, 2])
        for value in [0.5, 1.5, 3] { earlier.record(value) }
        var whole = earlier
        for value in [2.5, 0.1] { whole.record(value) }
        var rebuilt = earlier
        rebuilt.add(whole.subtracting(earlier))
        #expect(rebuilt.counts == whole.counts)
        #expect(abs(rebuilt.sum - whole.sum) < 1e-9)
        rebuilt.add(Distribution(bounds: [9]))
        #expect(rebuilt.counts == whole.counts)
    }
}
