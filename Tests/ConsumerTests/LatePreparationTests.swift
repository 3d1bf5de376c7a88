import Kafka
import Testing
import TestSupport
import TurnHost

@testable import Consumer

@Suite("Partitions that are not ready when they are assigned")
struct LatePreparationTests {
    private static let many: [String: Int] = ["chat.requests": 8, "chat.events": 8, "chat.dead-letters": 1]

    @Test("A partition that is ready too late is read from its start: nothing that was polled before is missing")
    func nothingIsMissing() async throws {
        let worker = try EmbeddedWorker(hosts: FakeHosts(onCommand: diligent), topics: Self.many) {
            $0.assignTimeout = .zero
        }
        let offsets = 50
        try await worker.send(
            (0..<8).flatMap { number in (0..<offsets).map { messageToSend("s\($0)", partition: number) } })
        worker.start()
        try await eventually(timeout: .seconds(60)) {
            let partitions = worker.consumer.status.partitions
            return partitions.count == 8 && partitions.allSatisfy { $0.committed == Int64(offsets) }
        }
        let dispatched = Dictionary(grouping: worker.hosts.dispatched.map(\.dispatch.record), by: \.partition)
        for number in 0..<8 as Range<Int32> {
            #expect(dispatched[number]?.map(\.offset).sorted() == Array(0..<Int64(offsets)), "partition \(number)")
        }
        try await worker.shutDown()
    }

    @Test("A partition that is empty and ready too late is granted, and takes in what comes")
    func emptyIsGranted() async throws {
        let worker = try EmbeddedWorker(hosts: FakeHosts(onCommand: diligent), topics: Self.many) {
            $0.assignTimeout = .zero
        }
        worker.start()
        try await eventually(timeout: .seconds(60)) {
            let partitions = worker.consumer.status.partitions
            return partitions.count == 8 && partitions.allSatisfy { $0.isGranted && !$0.isPaused }
        }
        try await worker.send((0..<8).map { messageToSend("s", partition: $0) })
        try await eventually(timeout: .seconds(60)) {
            worker.consumer.status.partitions.allSatisfy { $0.committed == 1 }
        }
        try await worker.shutDown()
    }

    @Test("A pause that comes after the partition was let in does not keep it shut")
    func strayPause() async throws {
        let worker = try EmbeddedWorker(hosts: FakeHosts(onCommand: diligent))
        worker.start()
        try await eventually(timeout: .seconds(60)) { worker.consumer.status.partitions.first?.isGranted == true }
        let consumer = try #require(worker.consumer.clients?.consumer)
        // The partition is assigned a moment after it is granted.
        try await eventually(timeout: .seconds(20)) { (try? consumer.pause([partition(0)])) != nil }
        try await worker.send([messageToSend("s")])
        try await eventually(timeout: .seconds(20)) { worker.consumer.status.partitions.first?.committed == 1 }
        try await worker.shutDown()
    }
}
