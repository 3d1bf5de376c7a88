/// Cuts a stream of bytes into frames. A value: bytes in, frames out, however the stream was cut up on its way.
package struct FrameSplitter: Sendable {
    private var pending: [UInt8] = []
    private var start = 0
    private let maximumLength: Int

    package init(maximumLength: Int = FrameCodec.maximumLength) {
        self.maximumLength = maximumLength
    }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        // What was taken is dropped only when it outweighs what is left, so that each byte is moved a bounded number
        // of times.
        if start > 0, start >= pending.count - start {
            pending.removeSubrange(..<start)
            start = 0
        }
        pending.append(contentsOf: bytes)
    }

    /// The next complete frame without its length, or nil if more bytes are needed. Throws if the length is beyond
    /// the bound; there is no way on after that.
    package mutating func next() throws(FrameError) -> [UInt8]? {
        guard pending.count - start >= 4 else { return nil }
        var length = 0
        for index in 0..<4 { length = length << 8 | Int(pending[start + index]) }
        guard length <= maximumLength else {
            throw FrameError(
                .oversized, "A frame of \(length) bytes is announced; at most \(maximumLength) are accepted.")
        }
        guard pending.count - start - 4 >= length else { return nil }
        let body = start + 4
        start = body + length
        return Array(pending[body..<start])
    }

    /// Throws if the stream ended inside a frame.
    package func finish() throws(FrameError) {
        guard pending.count == start else {
            throw FrameError(.truncated, "The stream ended \(pending.count - start) bytes into a frame.")
        }
    }
}
