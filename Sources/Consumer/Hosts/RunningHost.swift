package import TurnHost

/// A turn host that was started: its link, and what the consumer can do about its life.
package protocol RunningHost: HostLink {
    /// Nil for a host in this process.
    var processID: Int32? { get }

    /// Asks it to stop (SIGTERM). How it then ends counts as no crash.
    func terminate()

    /// Stops it at once (SIGKILL). How it then ends counts as no crash.
    func kill()

    /// Stops it at once, for a reason that counts as a crash of its own. A host in this process lives on.
    func breakOff(because reason: String)
}

/// How hosts are made.
package struct HostFactory: Sendable {
    /// Starts a host under this name. Does not block and does not fail: a host that could not be started is one that
    /// died. Reports come in order, one at a time; the death comes exactly once, after the last report.
    package typealias Start =
        @Sendable (
            _ hostID: String, _ onReport: @escaping @Sendable (HostReport) -> Void,
            _ onDeath: @escaping @Sendable (HostDeath) -> Void
        ) -> any RunningHost

    package let start: Start

    package init(start: @escaping Start) {
        self.start = start
    }

    /// Each host is a process of its own.
    package static func processes(_ options: HostProcess.Options) -> HostFactory {
        HostFactory { hostID, onReport, onDeath in
            let process = HostProcess(options: options, hostID: hostID, onReport: onReport, onDeath: onDeath)
            process.start()
            return process
        }
    }

    /// Hosts live in this process, behind the same border without its bytes. They never die on their own.
    package static func inProcess(
        _ makeLink: @escaping @Sendable (_ onReport: @escaping @Sendable (HostReport) -> Void) -> any HostLink
    ) -> HostFactory {
        HostFactory { _, onReport, _ in InProcessHost(link: makeLink(onReport)) }
    }
}

private final class InProcessHost: RunningHost {
    private let link: any HostLink

    init(link: any HostLink) {
        self.link = link
    }

    var processID: Int32? { nil }
    func send(_ command: HostCommand) { link.send(command) }
    func close() { link.close() }
    func terminate() { link.close() }
    func kill() { link.close() }
    func breakOff(because reason: String) {}
}
