import SessionStore
import Synchronization
import TurnHost

/// A turn host as the conductor sees it: its commands, its reports, and the moment it dies.
final class RunningHost: Sendable {
    /// The step at which the host dies, counted from 1.
    struct Kill: Sendable, CustomStringConvertible {
        var step: TurnStep
        var occurrence = 1

        var description: String { "\(step.rawValue) \(occurrence)" }
    }

    let id: String
    let lifeline = Lifeline()
    let faults = StoreFaults()
    /// The assignment of each partition.
    let assignments: [Int32: Int64]
    private let reported = Mutex<[HostReport]>([])
    private let steps = Mutex<[TurnStep: Int]>([:])
    private let kill: Kill?
    private let turnHost = Mutex<TurnHost?>(nil)

    init(id: String, assignments: [Int32: Int64], kill: Kill?) {
        self.id = id
        self.assignments = assignments
        self.kill = kill
    }

    func connect(_ host: TurnHost) {
        turnHost.withLock { $0 = host }
    }

    var reports: [HostReport] { reported.withLock { $0 } }
    var sessionCount: Int { turnHost.withLock { $0 }?.sessionCount ?? 0 }

    func send(_ command: HostCommand) {
        guard !lifeline.isCut else { return }
        turnHost.withLock { $0 }?.send(command)
    }

    func reached(_ step: TurnStep) {
        let count = steps.withLock { steps in
            steps[step, default: 0] += 1
            return steps[step]
        }
        if let kill, kill.step == step, kill.occurrence == count { lifeline.cut() }
    }

    /// - Returns: whether the host is alive to report it.
    func report(_ report: HostReport) -> Bool {
        guard !lifeline.isCut else { return false }
        reported.withLock { $0.append(report) }
        return true
    }

    /// Kills the host, and has what is left of it in this process end.
    func bury() {
        lifeline.cut()
        turnHost.withLock { $0 }?.close()
    }
}
