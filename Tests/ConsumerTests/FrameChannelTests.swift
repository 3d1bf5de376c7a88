import Foundation
import Glibc
import Synchronization
import Testing
import TestSupport
import TurnHost

/// Both ends of a stream.
func streamPair() throws -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    return (ends[0], ends[1])
}

private final class Received: Sendable {
    private let state = Mutex<(frames: [[UInt8]], ends: [FrameError?])>(([], []))

    var frames: [[UInt8]] { state.withLock { $0.frames } }
    var ends: [FrameError?] { state.withLock { $0.ends } }
    func add(_ frame: [UInt8]) { state.withLock { $0.frames.append(frame) } }
    func end(_ error: FrameError?) { state.withLock { $0.ends.append(error) } }

    func start(_ channel: FrameChannel) {
        channel.start(name: "test", onFrame: { self.add($0) }, onEnd: { self.end($0) })
    }
}

@Suite("Frame channel")
struct FrameChannelTests {
    @Test("Frames arrive in order, and a closed channel ends after the last of them")
    func orderAndEnd() async throws {
        let (left, right) = try streamPair()
        let (sender, receiver) = (FrameChannel(descriptor: left), FrameChannel(descriptor: right))
        let (atSender, atReceiver) = (Received(), Received())
        atSender.start(sender)
        atReceiver.start(receiver)
        let reports = (0..<5_000).map { HostReport.settled(entries: [Int64($0)]) }
        for report in reports { sender.send(FrameCodec.encode(report)) }
        sender.close()
        sender.send(FrameCodec.encode(HostReport.ready))
        try await eventually(timeout: .seconds(10)) { atReceiver.ends.count == 1 && atSender.ends.count == 1 }
        #expect(atReceiver.ends == [nil])
        #expect(try atReceiver.frames.map { try FrameCodec.decodeReport($0) } == reports)
    }

    @Test("What was flushed is there to be read, whatever becomes of the sender then")
    func flushed() async throws {
        let (left, right) = try streamPair()
        defer { Glibc.close(right) }
        let sender = FrameChannel(descriptor: left)
        Received().start(sender)
        for entry in 0..<200 {
            let frame = FrameCodec.encode(HostReport.began(entries: [Int64(entry)]))
            sender.send(frame)
            await sender.flush()
            var bytes = [UInt8](repeating: 0, count: frame.count)
            let count = recv(right, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            #expect(count == frame.count && bytes == frame)
        }
        sender.abort()
    }

    @Test("A flush ends with the channel", .timeLimit(.minutes(1)))
    func flushAtTheEnd() async throws {
        let (left, right) = try streamPair()
        let sender = FrameChannel(descriptor: left)
        let received = Received()
        received.start(sender)
        Glibc.close(right)
        sender.send(FrameCodec.encode(HostReport.ready))
        await sender.flush()
        try await eventually(timeout: .seconds(10)) { received.ends.count == 1 }
        await sender.flush()
    }

    @Test("Sending never blocks, whatever the other side does not read; aborting ends both directions")
    func neverBlocks() async throws {
        let (left, right) = try streamPair()
        defer { Glibc.close(right) }
        let sender = FrameChannel(descriptor: left)
        let received = Received()
        received.start(sender)
        let command = FrameCodec.encode(
            HostCommand.configure(hostID: "h", settings: Array(repeating: 7, count: 1 << 20)))
        for _ in 0..<20 { sender.send(command) }
        sender.abort()
        try await eventually(timeout: .seconds(10)) { received.ends.count == 1 }
    }

    @Test("A stream that ends inside a frame is an error, told after the frames before it")
    func cutFrame() async throws {
        let (left, right) = try streamPair()
        let received = Received()
        received.start(FrameChannel(descriptor: left))
        let whole = FrameCodec.encode(HostReport.ready)
        let bytes = whole + whole.dropLast()
        #expect(write(right, bytes, bytes.count) == bytes.count)
        Glibc.close(right)
        try await eventually(timeout: .seconds(10)) { received.ends.count == 1 }
        #expect(received.frames.count == 1)
        #expect(received.ends.first??.code == .truncated)
    }

    @Test("A consumer that is gone is an end for the host's port")
    func consumerGone() async throws {
        let (left, right) = try streamPair()
        let port = HostPort(descriptor: left)
        let commands = Mutex<[HostCommand]>([])
        let ends = Mutex<[FrameError?]>([])
        port.start(
            onCommand: { command in commands.withLock { $0.append(command) } },
            onEnd: { error in ends.withLock { $0.append(error) } })
        let consumer = FrameChannel(descriptor: right)
        consumer.start(name: "consumer", onFrame: { _ in }, onEnd: { _ in })
        consumer.send(FrameCodec.encode(HostCommand.caughtUp(assignment: 3)))
        consumer.close()
        try await eventually(timeout: .seconds(10)) { ends.withLock { $0.count == 1 } }
        #expect(commands.withLock { $0 } == [.caughtUp(assignment: 3)])
    }
}
