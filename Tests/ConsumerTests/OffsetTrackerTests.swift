import Consumer
import Testing
import TestSupport

@Suite("Offset tracker")
struct OffsetTrackerTests {
    private let now = ContinuousClock.now

    @Test("The watermark is the first unsettled offset, never the highest received one")
    func watermarkIsFirstUnsettled() throws {
        var tracker = OffsetTracker(startingAt: 5)
        #expect(tracker.watermark == 5)
        let first = try tracker.register(7, bytes: 10, at: now)
        let second = try tracker.register(9, bytes: 20, at: now)
        #expect(tracker.watermark == 7)
        #expect(tracker.complete(second) == false)
        #expect(tracker.watermark == 7)
        #expect(tracker.span == 3)
        #expect(tracker.complete(first) == true)
        #expect(tracker.watermark == 10)
        #expect(tracker.span == 0)
        #expect(tracker.count == 0)
        #expect(tracker.bytes == 0)
    }

    @Test("Nothing is known of a partition before its first record")
    func emptyTracker() {
        #expect(OffsetTracker().watermark == nil)
        #expect(OffsetTracker().span == 0)
    }

    @Test("An offset that does not ascend is refused and changes nothing", arguments: [0, 4, 5] as [Int64])
    func descendingOffset(offset: Int64) throws {
        var tracker = OffsetTracker()
        _ = try tracker.register(5, bytes: 1, at: now)
        #expect(throws: OffsetTracker.OffsetOutOfOrder.self) {
            try tracker.register(offset, bytes: 1, at: now)
        }
        #expect(tracker.count == 1)
        #expect(tracker.watermark == 5)
    }

    @Test("An offset before the start is refused")
    func offsetBeforeStart() {
        var tracker = OffsetTracker(startingAt: 10)
        #expect(throws: OffsetTracker.OffsetOutOfOrder.self) { try tracker.register(9, bytes: 1, at: now) }
    }

    @Test("An entry of an earlier assignment completes nothing in a later one")
    func foreignEntry() throws {
        var earlier = OffsetTracker()
        let stale = try earlier.register(3, bytes: 1, at: now)
        var later = OffsetTracker()
        _ = try later.register(3, bytes: 1, at: now)
        #expect(later.complete(stale) == false)
        #expect(later.watermark == 3)
        #expect(later.count == 1)
    }

    @Test("An entry is completed once")
    func doubleCompletion() throws {
        var tracker = OffsetTracker()
        _ = try tracker.register(1, bytes: 1, at: now)
        let second = try tracker.register(2, bytes: 1, at: now)
        _ = tracker.complete(second)
        _ = tracker.complete(second)
        #expect(tracker.count == 1)
        #expect(tracker.bytes == 1)
    }

    @Test("With gaps and in any order of completion the tracker agrees with a naive model")
    func agreesWithModel() throws {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<50 {
            var tracker = OffsetTracker()
            var offset = Int64.random(in: 0...100, using: &random)
            var received: [Int64] = []
            var open: [(offset: Int64, bytes: Int, entry: OffsetTracker.Entry)] = []
            for _ in 0..<200 {
                if open.isEmpty || Bool.random(using: &random) {
                    offset += Int64.random(in: 1...4, using: &random)
                    let bytes = Int.random(in: 0...50, using: &random)
                    let entry = try tracker.register(offset, bytes: bytes, at: now)
                    open.append((offset, bytes, entry))
                    received.append(offset)
                } else {
                    let index = Int.random(in: open.indices, using: &random)
                    _ = tracker.complete(open.remove(at: index).entry)
                }
                let first = open.map(\.offset).min()
                // The naive model: the first unsettled; with none, one past the last received.
                let expected = first ?? received.last.map { $0 + 1 }
                #expect(tracker.watermark == expected, "CARRYON_TEST_SEED=\(seed)")
                #expect(tracker.count == open.count, "CARRYON_TEST_SEED=\(seed)")
                #expect(tracker.bytes == open.reduce(0) { $0 + $1.bytes }, "CARRYON_TEST_SEED=\(seed)")
                if let last = received.last, let expected { #expect(tracker.span == last + 1 - expected) }
            }
        }
    }
}
