import Consumer
import Kafka
import Testing

@Suite("Commit scheduler")
struct CommitSchedulerTests {
    private let now = ContinuousClock.now
    private let first = TopicPartition(topic: "requests", partition: 0)
    private let second = TopicPartition(topic: "requests", partition: 1)

    @Test("What moves while a commit is outstanding goes into the next one")
    func coalesces() {
        var scheduler = CommitScheduler(interval: .zero)
        scheduler.begin(first, from: 0)
        scheduler.begin(second, from: 0)
        scheduler.moved(first, to: 1, at: now)
        #expect(scheduler.next(at: now) == [first: 1])
        scheduler.moved(first, to: 2, at: now)
        scheduler.moved(first, to: 3, at: now)
        scheduler.moved(second, to: 9, at: now)
        #expect(scheduler.next(at: now) == nil)
        scheduler.finished([first: .committed], at: now)
        #expect(scheduler.committed(of: first) == 1)
        #expect(scheduler.next(at: now) == [first: 3, second: 9])
    }

    @Test("Settlements are gathered for an interval")
    func gathers() {
        var scheduler = CommitScheduler(interval: .milliseconds(100))
        scheduler.begin(first, from: 0)
        scheduler.moved(first, to: 1, at: now)
        #expect(scheduler.next(at: now + .milliseconds(99)) == nil)
        scheduler.moved(first, to: 2, at: now + .milliseconds(99))
        #expect(scheduler.next(at: now + .milliseconds(100)) == [first: 2])
    }

    @Test("A failed commit is sent again after a delay, with the newest watermark")
    func retries() {
        var scheduler = CommitScheduler(interval: .zero, retryDelay: .seconds(1))
        scheduler.begin(first, from: 0)
        scheduler.moved(first, to: 1, at: now)
        _ = scheduler.next(at: now)
        scheduler.moved(first, to: 2, at: now)
        scheduler.finished([first: .failed], at: now)
        #expect(scheduler.next(at: now + .milliseconds(999)) == nil)
        #expect(scheduler.next(at: now + .seconds(1)) == [first: 2])
    }

    @Test("A partition that is not ours any more is not committed again")
    func dropsLost() {
        var scheduler = CommitScheduler(interval: .zero)
        scheduler.begin(first, from: 0)
        scheduler.moved(first, to: 1, at: now)
        _ = scheduler.next(at: now)
        scheduler.finished([first: .notOurs], at: now)
        scheduler.moved(first, to: 2, at: now)
        #expect(scheduler.next(at: now + .seconds(60)) == nil)
        #expect(scheduler.uncommitted(of: first) == nil)
    }

    @Test("A commit that crossed a rebalance is sent again for as long as nobody has taken the partition away")
    func triesAgainAfterRebalance() {
        let codes = [
            KafkaError.Code.illegalGeneration, KafkaError.Code.unknownMember, KafkaError.Code.rebalanceInProgress,
            KafkaError.Code.assignmentLost,
        ]
        for code in codes {
            let refusal = KafkaError(code: code, operation: "commit offsets")
            var scheduler = CommitScheduler(interval: .zero, retryDelay: .seconds(1))
            scheduler.begin(first, from: 0)
            scheduler.moved(first, to: 1, at: now)
            _ = scheduler.next(at: now)
            scheduler.finished([first: .init(refusal: refusal)], at: now)
            #expect(scheduler.uncommitted(of: first) == 1, "\(refusal)")
            #expect(scheduler.next(at: now + .seconds(1)) == [first: 1], "\(refusal)")
            scheduler.finished([first: .init(refusal: refusal)], at: now)
            scheduler.forget(first)
            #expect(scheduler.next(at: now + .seconds(60)) == nil, "\(refusal)")
        }
        let fenced = KafkaError(code: KafkaError.Code.fencedInstance, operation: "commit offsets")
        #expect(CommitScheduler.Outcome(refusal: fenced) == .notOurs)
    }

    @Test("Commits that keep failing are sent ever more rarely, up to a bound, until one succeeds")
    func backsOff() {
        var scheduler = CommitScheduler(interval: .zero, retryDelay: .milliseconds(500))
        scheduler.begin(first, from: 0)
        scheduler.moved(first, to: 1, at: now)
        var time = now
        _ = scheduler.next(at: time)
        for delay in [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000] {
            scheduler.finished([first: .failed], at: time)
            scheduler.moved(first, to: 1 + Int64(delay), at: time)
            #expect(scheduler.next(at: time + .milliseconds(delay - 1)) == nil)
            time = time + .milliseconds(delay)
            #expect(scheduler.next(at: time) != nil)
        }
        scheduler.finished([first: .committed], at: time)
        scheduler.moved(first, to: 20_000, at: time)
        #expect(scheduler.next(at: time) == [first: 20_000])
        scheduler.finished([first: .failed], at: time)
        #expect(scheduler.next(at: time + .milliseconds(500)) == [first: 20_000])
    }

    @Test("The answer to a commit of a forgotten assignment does not count for the next one")
    func forgetsOutstanding() {
        var scheduler = CommitScheduler(interval: .zero)
        scheduler.begin(first, from: 0)
        scheduler.moved(first, to: 8, at: now)
        _ = scheduler.next(at: now)
        scheduler.forget(first)
        scheduler.begin(first, from: 2)
        scheduler.finished([first: .committed], at: now)
        #expect(scheduler.committed(of: first) == 2)
    }

    @Test("A watermark never goes back")
    func neverBack() {
        var scheduler = CommitScheduler(interval: .zero)
        scheduler.begin(first, from: 5)
        scheduler.moved(first, to: 4, at: now)
        #expect(scheduler.next(at: now) == nil)
    }
}
