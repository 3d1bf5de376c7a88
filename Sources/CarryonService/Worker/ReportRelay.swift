import Synchronization
import TurnHost

/// Joins a host in this process to the consumer that is made after it.
final class ReportRelay: Sendable {
    private let receiver = Mutex<(@Sendable (HostReport) -> Void)?>(nil)

    func connect(_ onReport: @escaping @Sendable (HostReport) -> Void) {
        receiver.withLock { $0 = onReport }
    }

    /// A host reports nothing before its consumer gives it something to do.
    func pass(_ report: HostReport) {
        receiver.withLock { $0 }?(report)
    }
}
