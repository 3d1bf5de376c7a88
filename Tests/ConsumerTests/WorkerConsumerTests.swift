import Consumer
import Conversation
import Kafka
import Logging
import SessionStore
import Synchronization
import Testing
import TestSupport
import TurnHost

@Suite("Worker consumer on an embedded broker")
struct WorkerConsumerTests {
    @Test("Bad records go to the dead letters with their bytes and their cause, and are committed after that")
    func badRecords() async throws {
        let worker = try EmbeddedWorker(hosts: FakeHosts(onCommand: diligent))
        let bad: [(ProducerRecord, String)] = [
            (requestToSend("s", nil), "tombstone"), (requestToSend("s", Array("{".utf8)), "invalid_json"),
            (requestToSend("s", [0xFF, 0xFE]), "invalid_utf8"), (requestToSend(nil, Array("{}".utf8)), "missing_key"),
            (requestToSend("a\u{1}b", Array("{}".utf8)), "invalid_session_id"),
            (requestToSend("s", Array("[]".utf8)), "not_an_object"),
            (requestToSend("s", Array("{}".utf8)), "missing_type"),
            (requestToSend("s", Array(repeating: 65, count: 2 << 20)), "record_too_large"),
        ]
        try await worker.send(bad.map(\.0) + [messageToSend("good")])
        worker.start()
        try await eventually(timeout: .seconds(20)) { try await worker.committed() == Int64(bad.count + 1) }
        try await worker.stop()
        let letters = try await worker.deadLetters()
        #expect(letters.count == bad.count)
        for (letter, (record, code)) in zip(letters, bad) {
            #expect(letter.headerString("kafka_dlt-exception-fqcn") == code)
            #expect(letter.headerString("cause") == "undecodable")
            #expect(letter.headerString("kafka_dlt-original-topic") == "chat.requests")
            #expect(letter.header("traceparent") == [7])
            #expect(letter.value == record.value)
            #expect(letter.key == record.key)
        }
        #expect(worker.hosts.dispatched.map(\.dispatch.session) == ["good"])
        try await worker.shutDown()
    }

    @Test("Invariant 1: the group's offset stays at the first request that no host has settled")
    func commitFollowsSettlement() async throws {
        let worker = try EmbeddedWorker(hosts: FakeHosts())
        try await worker.send((0..<5).map { messageToSend("s\($0)") })
        worker.start()
        try await eventually(timeout: .seconds(20)) { worker.hosts.dispatched.count == 5 }
        func settle(_ offset: Int64) throws {
            let (host, dispatch) = try #require(worker.hosts.dispatched.first { $0.dispatch.record.offset == offset })
            host.onReport(.settled(entries: [dispatch.entry]))
        }
        for offset in [1, 2, 4] as [Int64] { try settle(offset) }
        #expect(worker.consumer.status.partitions.first?.watermark == 0)
        #expect(try await worker.committed() == nil)
        try settle(0)
        try await eventually(timeout: .seconds(10)) { try await worker.committed() == 3 }
        #expect(worker.consumer.status.partitions.first?.held == 1)
        // No host lets go of anything: the drain ends at its budget, and commits no more than is settled.
        try await worker.stop()
        #expect(try await worker.committed() == 3)
        try await worker.shutDown()
    }

    @Test("A host's death costs no rebalance: its requests go to the spare, with the cause")
    func hostDeath() async throws {
        let hosts = FakeHosts { host, command in
            if case .revoke(let assignments, _) = command { host.onReport(.yielded(assignments: assignments)) }
        }
        let worker = try EmbeddedWorker(hosts: hosts) { $0.hosts = 1 }
        try await worker.send([messageToSend("a"), messageToSend("b")])
        worker.start()
        try await eventually(timeout: .seconds(20)) { hosts.dispatched.count == 2 }
        let assignment = worker.consumer.status.partitions.first?.assignment
        let (host, first) = try #require(hosts.dispatched.first)
        host.onReport(.began(entries: [first.entry]))
        host.crash()
        try await eventually(timeout: .seconds(5)) { hosts.dispatched.count == 4 }
        let again = hosts.dispatched.filter { $0.host !== host }
        #expect(again.map(\.dispatch.record.offset) == [0, 1])
        #expect(again.map(\.dispatch.death?.cause) == ["SIGSEGV", nil])
        #expect(worker.consumer.status.partitions.first?.assignment == assignment)
        for (host, dispatch) in again { host.onReport(.settled(entries: [dispatch.entry])) }
        try await eventually(timeout: .seconds(10)) { try await worker.committed() == 2 }
        try await worker.shutDown()
    }

    @Test("An overtaken fence is taken again while the group takes this worker for the partition's owner")
    func fenced() async throws {
        let hosts = FakeHosts { host, command in
            if case .revoke(let assignments, _) = command { host.onReport(.yielded(assignments: assignments)) }
        }
        let worker = try EmbeddedWorker(hosts: hosts) { $0.hosts = 1 }
        try await worker.send([messageToSend("a")])
        worker.start()
        try await eventually(timeout: .seconds(20)) { hosts.dispatched.count == 1 }
        _ = try await worker.store.takeFence(
            group: "workers", cluster: "cluster-1", topic: "chat.requests", partition: 0)
        let (host, first) = try #require(hosts.dispatched.first)
        host.onReport(.fenced(assignment: first.assignment))
        try await eventually(timeout: .seconds(10)) { hosts.dispatched.count == 2 }
        let grants = host.commands.compactMap { if case .grant(let grant) = $0 { grant } else { nil } }
        #expect(grants.map(\.fence.token) == [1, 3])
        #expect(hosts.dispatched.last?.dispatch.assignment == grants.last?.assignment)
        try await worker.shutDown()
    }

    @Test("A partition without a counterpart on the events topic stays paused until there is one")
    func missingEventsPartition() async throws {
        let worker = try EmbeddedWorker(
            hosts: FakeHosts(onCommand: diligent), topics: ["chat.requests": 1, "chat.dead-letters": 1])
        try await worker.send([messageToSend("a")])
        worker.start()
        try await eventually(timeout: .seconds(20)) { worker.consumer.status.partitions.first?.isPaused == true }
        #expect(worker.hosts.dispatched.isEmpty)
        try worker.broker.createTopic("chat.events", partitions: 1)
        try await eventually(timeout: .seconds(20)) { try await worker.committed() == 1 }
        #expect(worker.hosts.dispatched.count == 1)
        try await worker.shutDown()
    }

    @Test("A stop at the log's end reaches its session's host while intake is paused, and once more in its place")
    func stopOverBacklog() async throws {
        let held = Mutex<[(FakeHosts.Host, Int64)]>([])
        let hosts = FakeHosts { host, command in
            switch command {
            case .dispatch(let dispatches): held.withLock { $0 += dispatches.map { (host, $0.entry) } }
            case .revoke(let assignments, _): host.onReport(.yielded(assignments: assignments))
            default: break
            }
        }
        let worker = try EmbeddedWorker(hosts: hosts) { $0.maxInFlight = 100 }
        try await worker.send([messageToSend("s0")])
        worker.start()
        try await eventually(timeout: .seconds(60)) { hosts.dispatched.count == 1 }
        #expect(worker.consumer.status.partitions.first?.isScouted == false)
        try await worker.send((1..<1_500).map { messageToSend("s\($0)") })
        try await eventually(timeout: .seconds(60)) { worker.consumer.status.partitions.first?.isPaused == true }
        func stops() -> [StopAhead] {
            hosts.all.flatMap(\.commands).flatMap { command -> [StopAhead] in
                if case .stopAhead(let stops) = command { stops } else { [] }
            }
        }
        for (index, session) in ["s0", "s1", "s0"].enumerated() {
            try await worker.send([requestToSend(session, Array(#"{"type":"stop","reason":"\#(index)"}"#.utf8))])
            try await eventually(timeout: .seconds(10)) { stops().count == index + 1 }
        }
        let found = stops().sorted { $0.offset < $1.offset }
        #expect(found.map(\.offset) == [1_500, 1_501, 1_502])
        #expect(found.map(\.session) == ["s0", "s1", "s0"])
        #expect(found.map(\.reason) == ["0", "1", "2"])
        try await eventually(timeout: .seconds(40)) {
            let batch = held.withLock { held in
                defer { held = [] }
                return held
            }
            for (host, entry) in batch { host.onReport(.settled(entries: [entry])) }
            return worker.consumer.status.partitions.first?.committed == 1_503
        }
        #expect(hosts.dispatched.map(\.dispatch.record.offset).sorted() == Array(0..<1_503))
        try await eventually(timeout: .seconds(10)) {
            worker.consumer.status.partitions.first?.isScouted == false
        }
        try await worker.shutDown()
    }

    @Test("A session's burst of 5,000 keeps nobody waiting; it is carried out in order, also when its host dies")
    func busySession() async throws {
        let held = Mutex<[(host: FakeHosts.Host, dispatch: Dispatch)]>([])
        let hosts = FakeHosts { host, command in
            switch command {
            case .dispatch(let dispatches): held.withLock { $0 += dispatches.map { (host, $0) } }
            case .revoke(let assignments, _): host.onReport(.yielded(assignments: assignments))
            default: break
            }
        }
        let worker = try EmbeddedWorker(hosts: hosts) { options in
            options.maxInFlight = 100
            options.hosts = 1
        }
        try await worker.send((0..<5_000).map { _ in messageToSend("hot") } + [messageToSend("cold")])
        worker.start()
        try await eventually(timeout: .seconds(60)) { hosts.dispatched.contains { $0.dispatch.session == "cold" } }
        #expect(hosts.dispatched.count == 51)
        var settled: [Int64] = []
        var dead: FakeHosts.Host?
        try await eventually(timeout: .seconds(120), every: .milliseconds(2)) {
            let batch = held.withLock { held in
                defer { held = [] }
                return held
            }
            for (host, dispatch) in batch {
                if settled.count >= 1_000, dead == nil {
                    dead = host
                    host.crash()
                }
                // What it had, this batch's rest too, goes to the next host.
                if host === dead { continue }
                host.onReport(.settled(entries: [dispatch.entry]))
                if dispatch.session == "hot" { settled.append(dispatch.record.offset) }
            }
            let partition = worker.consumer.status.partitions.first
            #expect(partition?.committed ?? 0 <= partition?.watermark ?? 0)
            return partition?.committed == 5_001
        }
        #expect(settled == settled.sorted())
        #expect(Set(0..<5_000).subtracting(settled).isEmpty)
        try await worker.shutDown()
    }

    @Test("Bounds hold back what is not settled, and everything is settled in the end")
    func bounds() async throws {
        let held = Mutex<[(FakeHosts.Host, Int64)]>([])
        let hosts = FakeHosts { host, command in
            switch command {
            case .dispatch(let dispatches): held.withLock { $0 += dispatches.map { (host, $0.entry) } }
            case .revoke(let assignments, _): host.onReport(.yielded(assignments: assignments))
            default: break
            }
        }
        let worker = try EmbeddedWorker(hosts: hosts) { $0.maxInFlight = 10 }
        try await worker.send((0..<200).map { messageToSend("s\($0)") })
        worker.start()
        try await eventually(timeout: .seconds(40)) {
            let batch = held.withLock { held in
                defer { held = [] }
                return held
            }
            for (host, entry) in batch { host.onReport(.settled(entries: [entry])) }
            return worker.consumer.status.partitions.first?.committed == 200
        }
        let offsets = hosts.dispatched.map(\.dispatch.record.offset)
        #expect(offsets.sorted() == Array(0..<200))
        try await worker.shutDown()
    }
}
