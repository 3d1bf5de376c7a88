/// The turn host's end of the border: commands in, reports out.
package final class HostPort: Sendable {
    private let channel: FrameChannel

    /// Takes over `descriptor` (``HostBootstrap/borderDescriptor`` in a host's process).
    package init(descriptor: Int32) {
        channel = FrameChannel(descriptor: descriptor)
    }

    /// Starts to read. `onCommand` gets the commands in order, one at a time, on the border's own thread. `onEnd` is
    /// called once: with nil when the consumer closed its end, or died. Either way the host stops at once and writes
    /// nothing more.
    package func start(
        onCommand: @escaping @Sendable (HostCommand) -> Void, onEnd: @escaping @Sendable (FrameError?) -> Void
    ) {
        channel.start(
            name: "border",
            onFrame: { frame throws(FrameError) in onCommand(try FrameCodec.decodeCommand(frame)) },
            onEnd: onEnd)
    }

    /// Never blocks; reports arrive in the order of the calls.
    package func send(_ report: HostReport) {
        channel.send(FrameCodec.encode(report))
    }

    /// Returns when everything sent so far will reach the consumer, also if this process dies in the next instant.
    package func flush() async {
        await channel.flush()
    }

    /// Writes what was sent, then ends the border from this side.
    package func close() {
        channel.close()
    }
}
