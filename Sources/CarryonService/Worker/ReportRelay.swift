import Synchronization
import TurnHost

/// Joins a host in this process to the consumer that is made after it.
final class ReportRelay: Sendable {
    // A closure that is a lock's own value is wrapped anew each time it is read, deeper and deeper; in a structure it
    // is not.
    private struct Receiver {
        var receive: (@Sendable (HostReport) -> Void)?
    }

    private let receiver = Mutex(Receiver())

    func connect(_ onReport: @escaping @Sendable (HostReport) -> Void) {
        receiver.withLock { $0.receive = onReport }
    }

    /// A host reports nothing before its consumer gives it something to do.
    func pass(_ report: HostReport) {
        receiver.withLock { $0.receive }?(report)
    }
}
