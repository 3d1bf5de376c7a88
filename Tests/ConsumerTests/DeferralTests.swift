import Kafka
import SessionStore
import Testing
import TurnHost

@testable import Consumer

@Suite("Requests that are put off")
struct DeferralTests {
    private let now = ContinuousClock.now
    private let crash = HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "host-1")

    /// A session may have 2 requests in hand.
    private func ready() -> ConsumerCore {
        var core = ConsumerCore.forTests(bounds: .init(requests: 4, bytes: 1 << 20, span: 10_000))
        _ = core.hostStarted(0)
        _ = core.own(0, at: now)
        return core
    }

    private func records(_ offsets: ClosedRange<Int64>, of session: String = "hot") -> [KafkaRecord] {
        offsets.map { requestRecord(session: session, offset: $0) }
    }

    private func answer(
        _ core: inout ConsumerCore, _ fetch: Fetch, _ records: [KafkaRecord], upTo end: Int64
    ) -> [ConsumerCore.Action] {
        let intake = RequestIntake(maximumBytes: 1_000)
        return core.fetched(
            partition(0), number: fetch.number,
            records.map { ConsumerCore.Incoming(record: $0, verdict: intake.examine($0)) }, upTo: end, at: now)
    }

    @Test("Of more requests that a read did not show than there is time to ask for, the rest is another read's")
    func manyAreGone() async throws {
        let there = requestRecord(session: "hot", offset: 3)
        let late = try await WorkerConsumer.askSingly(for: [3, 5, 8], until: .now) { $0 == 3 ? there : nil }
        #expect(late.records == [there], "each read gets on by one at least")
        #expect(late.unasked == 5)
        let inTime = try await WorkerConsumer.askSingly(for: [3, 5, 8], until: .now + .seconds(60)) { _ in nil }
        #expect(inTime.records.isEmpty && inTime.unasked == nil)
    }

    @Test("A busy session keeps nobody out, and is called for in order as it goes on")
    func busySession() throws {
        var core = ready()
        let first = core.receive(records(0...9), at: now)
        #expect(first.offsets == [0, 1] && core.paused.isEmpty)
        #expect(core.receive(records(10...10, of: "other"), at: now).offsets == [10], "it is not kept out")
        #expect(core.receive(records(11...11), at: now).offsets.isEmpty, "not in front of those before it")
        #expect(core.status(at: now).partitions[0].deferred == 9)
        let settled = core.reported(.settled(entries: [first.dispatches[0].entry]), by: 0, at: now)
        #expect(settled.commits == [[partition(0): 1]])
        let fetch = try #require(settled.fetches.first)
        #expect(fetch.offsets == [2])
        _ = core.reported(.settled(entries: [first.dispatches[1].entry]), by: 0, at: now)
        let back = answer(&core, fetch, records(2...2), upTo: 3)
        #expect(back.offsets == [2])
        let next = try #require(back.fetches.first)
        #expect(next.offsets == [3], "one read at a time, and the rest after it")
        #expect(answer(&core, fetch, records(2...2), upTo: 3).isEmpty, "an answer counts once")
        #expect(core.watermark(of: partition(0)) == 2)
    }

    @Test(
        "A request that is gone from the log is noted, and counts as settled; what was not reached is asked for again")
    func gone() throws {
        var core = ready()
        let first = core.receive(records(0...5), at: now)
        var fetch = try #require(
            core.reported(.settled(entries: first.dispatches.map(\.entry)), by: 0, at: now).fetches.first)
        #expect(fetch.offsets == [2, 3])
        let back = answer(&core, fetch, [], upTo: 3)
        #expect(back.contains(.noteLost(partition(0), offset: 2, reason: "it is not there")))
        #expect(back.commits.isEmpty, "a commit is under way")
        #expect(core.watermark(of: partition(0)) == 3)
        fetch = try #require(back.fetches.first)
        #expect(fetch.offsets == [3, 4])
        let partly = answer(&core, fetch, records(3...3, of: "another"), upTo: 4)
        #expect(partly.contains(.noteLost(partition(0), offset: 3, reason: "another record is in its place")))
        #expect(partly.fetches.first?.offsets == [4, 5])
    }

    @Test("A stop that is put off takes effect at once, and is nothing new in its place")
    func deferredStop() throws {
        var core = ready()
        let stop = requestRecord(session: "hot", offset: 3, type: "stop")
        let first = core.receive(records(0...2) + [stop] + records(4...4), at: now)
        #expect(first.offsets == [0, 1])
        #expect(first.stopsAhead.map(\.offset) == [3])
        let fetch = try #require(
            core.reported(.settled(entries: [first.dispatches[0].entry]), by: 0, at: now).fetches.first)
        _ = core.reported(.settled(entries: [first.dispatches[1].entry]), by: 0, at: now)
        let back = answer(&core, fetch, records(2...2), upTo: 3)
        #expect(back.stopsAhead.map(\.offset) == [3], "it goes along with what is in front of it")
        let inPlace = answer(&core, try #require(back.fetches.first), [stop], upTo: 4)
        #expect(inPlace.offsets == [3])
        #expect(inPlace.stopsAhead.isEmpty)
    }

    @Test("What was put off goes with its partition, and is put off again at the next owner")
    func rebalance() throws {
        var core = ready()
        let first = core.receive(records(0...5), at: now)
        let fetch = try #require(
            core.reported(.settled(entries: [first.dispatches[0].entry]), by: 0, at: now).fetches.first)
        _ = core.beginRevoke([partition(0)], grace: .zero)
        #expect(answer(&core, fetch, records(2...2), upTo: 3).isEmpty)
        #expect(core.finishRevoke([partition(0)]) == [partition(0): 1])
        #expect(core.tick(at: now).isEmpty)
        _ = core.own(0, from: 1, end: 1, at: now)
        #expect(core.receive(records(1...5), at: now).offsets == [1, 2])
    }

    @Test("A host's death and a new fence lose nothing that was put off or was on its way")
    func hostDies() throws {
        var core = ready()
        let first = core.receive(records(0...4), at: now)
        let fetch = try #require(
            core.reported(.settled(entries: [first.dispatches[0].entry]), by: 0, at: now).fetches.first)
        _ = core.hostDied(0, death: crash, at: now)
        #expect(answer(&core, fetch, records(2...2), upTo: 3).offsets.isEmpty, "nobody to send it to")
        let again = core.hostStarted(0)
        #expect(again.offsets == [1, 2])
        let old = core.status(at: now).partitions[0].assignment
        let settled = core.reported(.settled(entries: [again.dispatches[0].entry]), by: 0, at: now)
        let next = try #require(settled.fetches.first)
        _ = core.reported(.fenced(assignment: old), by: 0, at: now)
        #expect(answer(&core, next, records(3...3), upTo: 4).offsets.isEmpty)
        let fence = Fence(group: "g", cluster: "c", topic: requestsTopic, partition: 0, token: 99)
        #expect(core.refenced(partition(0), assignment: old, fence: fence, at: now).offsets == [2, 3])
    }
}

struct Fetch {
    var partition: TopicPartition
    var number: Int64
    var offsets: [Int64]
}

extension [ConsumerCore.Action] {
    var fetches: [Fetch] {
        compactMap { action in
            if case .fetch(let partition, let number, let offsets) = action {
                Fetch(partition: partition, number: number, offsets: offsets)
            } else {
                nil
            }
        }
    }
}
