import Foundation
import Glibc
import Synchronization

/// Frames over a connected stream socket, each direction on a thread of its own: nothing here waits on the
/// cooperative pool, and nothing on the cooperative pool waits for a slow peer.
package final class FrameChannel: Sendable {
    private struct State {
        var queue: [[UInt8]] = []
        /// Who waits for the queue to be written.
        var flushing: [CheckedContinuation<Void, Never>] = []
        var hasWriterEnded = false
        var isClosing = false
        var failure: FrameError?
        /// The reader and the writer. The descriptor is closed by whichever ends last, so neither can touch a number
        /// that means another file by then.
        var threads = 2
        var isStarted = false
    }

    private let descriptor: Int32
    private let maximumLength: Int
    private let state = Mutex(State())
    private let wakeup = DispatchSemaphore(value: 0)

    /// Takes over `descriptor`, which is closed when both directions have ended.
    package init(descriptor: Int32, maximumLength: Int = FrameCodec.maximumLength) {
        self.descriptor = descriptor
        self.maximumLength = maximumLength
    }

    deinit {
        if state.withLock({ !$0.isStarted }) { Glibc.close(descriptor) }
    }

    /// Starts both threads. `onFrame` gets each frame without its length, in order, on the reader's thread; if it
    /// throws, the channel is broken off. `onEnd` is called exactly once, after the last frame: with nil if the peer
    /// closed its end between two frames.
    package func start(
        name: String, onFrame: @escaping @Sendable ([UInt8]) throws(FrameError) -> Void,
        onEnd: @escaping @Sendable (FrameError?) -> Void
    ) {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { return }
        let reader = Thread { self.read(onFrame: onFrame, onEnd: onEnd) }
        reader.name = "\(name) reader"
        let writer = Thread { self.write() }
        writer.name = "\(name) writer"
        reader.start()
        writer.start()
    }

    /// Queues one whole frame. Never blocks; after ``close()``, ``abort()`` or the peer's end it is dropped.
    package func send(_ frame: [UInt8]) {
        // The writer takes all there is at once, so only the first frame has to wake it.
        let isFirst = state.withLock { state in
            guard !state.isClosing else { return false }
            state.queue.append(frame)
            return state.queue.count == 1
        }
        if isFirst { wakeup.signal() }
    }

    /// Waits until what was queued is with the operating system, which delivers it even if this process dies in the
    /// next instant, or until nothing can be written any more.
    package func flush() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasWriterEnded { state.flushing.append(continuation) }
                return state.hasWriterEnded
            }
            if hasEnded { continuation.resume() } else { wakeup.signal() }
        }
    }

    /// Writes what is queued, then tells the peer that nothing more will come. What the peer still sends is read.
    package func close() {
        state.withLock { $0.isClosing = true }
        wakeup.signal()
    }

    /// Breaks off both directions at once. What the peer had already sent is still delivered.
    package func abort() {
        state.withLock { state in
            state.isClosing = true
            state.queue = []
            if state.threads > 0 { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        wakeup.signal()
    }

    /// Nothing more will be sent by the peer (its process is gone): what it had sent is delivered, and then the
    /// reader ends, even if a grandchild still holds the peer's descriptor.
    package func finishReading() {
        state.withLock { state in
            if state.threads > 0 { _ = shutdown(descriptor, Int32(SHUT_RD)) }
        }
    }

    private func read(
        onFrame: @Sendable ([UInt8]) throws(FrameError) -> Void, onEnd: @Sendable (FrameError?) -> Void
    ) {
        var failure: FrameError?
        do {
            try readFrames(onFrame)
        } catch {
            failure = error
        }
        if failure != nil { abort() } else { close() }
        let writeFailure = state.withLock { $0.failure }
        onEnd(failure ?? writeFailure)
        leave()
    }

    private func readFrames(_ onFrame: @Sendable ([UInt8]) throws(FrameError) -> Void) throws(FrameError) {
        var splitter = FrameSplitter(maximumLength: maximumLength)
        var buffer = [UInt8](repeating: 0, count: 128 << 10)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            // A peer that died with bytes of ours unread resets the connection: an end like any other.
            if count < 0, errno != ECONNRESET {
                throw FrameError(.brokenChannel, "Reading from the border failed: \(String(cString: strerror(errno))).")
            }
            if count <= 0 { return try splitter.finish() }
            splitter.append(buffer[..<count])
            while let frame = try splitter.next() { try onFrame(frame) }
        }
    }

    private func write() {
        while let (frames, flushing) = takeQueued() {
            if !frames.isEmpty {
                switch writeAll(Self.coalesced(frames)) {
                case .written: break
                case .peerGone: stopWriting(because: nil)
                case .failed(let failure): stopWriting(because: failure)
                }
            }
            for continuation in flushing { continuation.resume() }
        }
        shutdown(descriptor, Int32(SHUT_WR))
        let flushing = state.withLock { state in
            state.hasWriterEnded = true
            defer { state.flushing = [] }
            return state.flushing
        }
        for continuation in flushing { continuation.resume() }
        leave()
    }

    private func stopWriting(because failure: FrameError?) {
        state.withLock { state in
            state.failure = state.failure ?? failure
            state.isClosing = true
            state.queue = []
        }
        wakeup.signal()
    }

    /// Waits for something to write; nil once the channel is closing and everything is written.
    private func takeQueued() -> (frames: [[UInt8]], flushing: [CheckedContinuation<Void, Never>])? {
        wakeup.wait()
        return state.withLock { state in
            if state.queue.isEmpty, state.isClosing { return nil }
            defer {
                state.queue = []
                state.flushing = []
            }
            if state.isClosing { wakeup.signal() }
            return (state.queue, state.flushing)
        }
    }

    private static func coalesced(_ frames: [[UInt8]]) -> [UInt8] {
        if frames.count == 1 { return frames[0] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(frames.reduce(0) { $0 + $1.count })
        for frame in frames { bytes.append(contentsOf: frame) }
        return bytes
    }

    private enum WriteEnd {
        case written
        /// The peer is gone: an end like any other, which the reader reports.
        case peerGone
        case failed(FrameError)
    }

    private func writeAll(_ bytes: [UInt8]) -> WriteEnd {
        bytes.withUnsafeBytes { buffer in
            var written = 0
            while written < buffer.count {
                // MSG_NOSIGNAL: a peer that is gone is an error here, not a SIGPIPE for the process.
                let rest = UnsafeRawBufferPointer(rebasing: buffer[written...])
                let count = Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                if count < 0, errno == EPIPE || errno == ECONNRESET { return .peerGone }
                if count < 0 {
                    let reason = String(cString: strerror(errno))
                    return .failed(FrameError(.brokenChannel, "Writing to the border failed: \(reason)."))
                }
                written += count
            }
            return .written
        }
    }

    private func leave() {
        state.withLock { state in
            state.threads -= 1
            if state.threads == 0 { _ = Glibc.close(descriptor) }
        }
    }
}
