import Consumer
import Testing
import TestSupport

@Suite("The stops ahead of intake")
struct FastLaneTests {
    private let now = ContinuousClock.now

    @Test("A partition is scouted from the moment it is paused until intake has caught up for a while")
    func paused() {
        var lane = FastLane()
        lane.update(isPaused: false, next: 10, end: 10, at: now)
        #expect(!lane.isScouted && !lane.isUncertain)
        lane.update(isPaused: true, next: 10, end: 10, at: now)
        #expect(lane.isScouted)
        // What the client knows of the end is from before the pause; the scout has been further.
        _ = lane.note([], upTo: 500)
        lane.update(isPaused: false, next: 10, end: 10, at: now)
        lane.update(isPaused: false, next: 499, end: 10, at: now + .seconds(9))
        #expect(lane.isScouted)
        lane.update(isPaused: false, next: 500, end: 500, at: now + .seconds(10))
        lane.update(isPaused: true, next: 500, end: 500, at: now + .milliseconds(10_500))
        lane.update(isPaused: false, next: 500, end: 500, at: now + .milliseconds(10_600))
        lane.update(isPaused: false, next: 500, end: 500, at: now + .milliseconds(11_500))
        #expect(lane.isScouted, "it does not come and go with each pause")
        lane.update(isPaused: false, next: 500, end: 500, at: now + .milliseconds(11_600))
        #expect(!lane.isScouted && !lane.isUncertain)
    }

    @Test("A partition far from its end is scouted after a while, one that is nearly there is not")
    func farBehind() {
        var lane = FastLane()
        lane.noteMovement()
        lane.update(isPaused: false, next: 1_000, end: 2_000, at: now)
        lane.update(isPaused: false, next: 1_000, end: 2_000, at: now + .seconds(1))
        #expect(!lane.isScouted && lane.isUncertain)
        lane.update(isPaused: false, next: 1_000, end: 2_001, at: now + .seconds(2))
        lane.update(isPaused: false, next: 1_100, end: 2_102, at: now + .milliseconds(2_099))
        #expect(!lane.isScouted)
        lane.update(isPaused: false, next: 1_200, end: 2_202, at: now + .milliseconds(2_100))
        #expect(lane.isScouted)
    }

    @Test("The end counts as reached also where no record stands right before it")
    func markersAtTheEnd() {
        var lane = FastLane()
        lane.update(isPaused: true, next: 10, end: nil, at: now)
        _ = lane.note([], upTo: 12)
        lane.noteEnd(at: 12)
        lane.update(isPaused: false, next: 10, end: 12, at: now)
        lane.update(isPaused: false, next: 10, end: 12, at: now + .seconds(1))
        #expect(!lane.isScouted)
    }

    @Test("A second stop with the same key is the duplicate of the first, and not remembered")
    func duplicates() {
        var lane = FastLane()
        let first = FastLane.Stop(session: "a", offset: 1, idempotencyKey: "k")
        let second = FastLane.Stop(session: "a", offset: 2, idempotencyKey: "k")
        let other = FastLane.Stop(session: "b", offset: 3, idempotencyKey: "k")
        let news = lane.note([first, second, other], upTo: 4)
        #expect(news == [first, other])
    }

    @Test("Whatever is found, forgotten and asked for: it is what a list would say")
    func model() {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let capacity = Int.random(in: 1...12, using: &random)
            var lane = FastLane(capacity: capacity)
            var remembered: [FastLane.Stop] = []
            var seenUpTo: Int64 = 0
            for _ in 0..<60 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0, 1:
                    // A scout may go back, and may read on from anywhere.
                    let from = max(0, seenUpTo + Int64.random(in: -4...4, using: &random))
                    let next = from + Int64.random(in: 0...6, using: &random)
                    let found = (from..<next).filter { _ in Bool.random(using: &random) }.map {
                        FastLane.Stop(session: "s\($0 % 3)", offset: $0)
                    }
                    let expected = found.filter { $0.offset >= seenUpTo }
                    let news = lane.note(found, upTo: next)
                    #expect(news == expected, "CARRYON_TEST_SEED=\(seed)")
                    remembered = Array((remembered + expected).suffix(capacity))
                    seenUpTo = max(seenUpTo, next)
                case 2:
                    let offset = Int64.random(in: 0...seenUpTo + 2, using: &random)
                    lane.forget(before: offset)
                    remembered.removeAll { $0.offset < offset }
                default:
                    let session = "s\(Int.random(in: 0..<3, using: &random))"
                    let offset = Int64.random(in: 0...seenUpTo + 2, using: &random)
                    let expected = remembered.filter { $0.session == session && $0.offset > offset }
                    #expect(lane.stops(of: session, behind: offset) == expected, "CARRYON_TEST_SEED=\(seed)")
                }
                #expect(lane.position == seenUpTo && lane.count == remembered.count, "CARRYON_TEST_SEED=\(seed)")
            }
        }
    }
}
