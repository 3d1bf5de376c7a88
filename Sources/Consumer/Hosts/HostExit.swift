import SessionStore
package import TurnHost

/// How a host's process ended, as the consumer saw it; what that counts as.
package struct HostExit: Sendable, Hashable {
    /// What the operating system said.
    package enum Status: Sendable, Hashable {
        case exited(Int32)
        case signaled(Int32)
        /// It never ran.
        case notStarted(reason: String)
    }

    package var status: Status
    /// The largest resident size that the process had, in bytes, if known.
    package var peakBytes: Int?
    /// The limit that the consumer watches over, in bytes, if there is one.
    package var memoryLimit: Int?
    /// The consumer's own watch killed it for passing that limit.
    package var wasKilledByMemoryWatch = false
    /// The consumer asked it to stop.
    package var wasAskedToStop = false
    /// The kernel's count of out-of-memory kills in the consumer's control group grew during the host's life.
    package var didGroupRunOutOfMemory = false
    /// Why the consumer broke with it, if it did.
    package var breach: String?

    package init(status: Status) {
        self.status = status
    }

    /// Takes a status of `wait4` apart.
    package init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self.init(status: signal == 0 ? .exited((waitStatus >> 8) & 0xFF) : .signaled(signal))
    }

    package func death(of hostID: String) -> HostDeath {
        let verdict = verdict
        return HostDeath(kind: verdict.kind, cause: verdict.cause, hostID: hostID)
    }

    private var verdict: (kind: RunEnd, cause: String) {
        if wasKilledByMemoryWatch { return (.outOfMemory, "out of memory (\(memoryLimit.map(Self.size) ?? "limit"))") }
        if let breach { return (.crashed, breach) }
        switch status {
        case .notStarted(let reason):
            return (.crashed, "could not be started: \(reason)")
        // What a shell or a container reports for a process that SIGKILL ended: nearly always the kernel's
        // out-of-memory killer.
        case .exited(137):
            return (.outOfMemory, "out of memory (exit status 137)")
        case .exited(let code):
            if wasAskedToStop { return (.handover, "stopped (exit status \(code))") }
            return (.crashed, "exit status \(code)")
        case .signaled(let signal):
            let name = Self.name(ofSignal: signal)
            if signal == Self.killSignal, didGroupRunOutOfMemory { return (.outOfMemory, outOfMemoryCause) }
            if wasAskedToStop, Self.stopSignals.contains(signal) { return (.handover, "stopped (\(name))") }
            return (.crashed, name)
        }
    }

    private var outOfMemoryCause: String {
        "out of memory" + (peakBytes.map { " (at \(Self.size($0)))" } ?? "")
    }

    private static let killSignal: Int32 = 9
    /// SIGTERM and SIGKILL: what the consumer itself sends.
    private static let stopSignals: Set<Int32> = [15, killSignal]

    private static func size(_ bytes: Int) -> String {
        bytes >= 1 << 20 ? "\(bytes >> 20) MiB" : "\(bytes) bytes"
    }

    /// The name of a signal; their numbers are those of Linux on every platform that Swift runs on.
    package static func name(ofSignal signal: Int32) -> String {
        switch signal {
        case 1: "SIGHUP"
        case 2: "SIGINT"
        case 3: "SIGQUIT"
        case 4: "SIGILL"
        case 5: "SIGTRAP"
        case 6: "SIGABRT"
        case 7: "SIGBUS"
        case 8: "SIGFPE"
        case 9: "SIGKILL"
        case 10: "SIGUSR1"
        case 11: "SIGSEGV"
        case 12: "SIGUSR2"
        case 13: "SIGPIPE"
        case 14: "SIGALRM"
        case 15: "SIGTERM"
        case 24: "SIGXCPU"
        case 25: "SIGXFSZ"
        case 31: "SIGSYS"
        default: "signal \(signal)"
        }
    }
}
