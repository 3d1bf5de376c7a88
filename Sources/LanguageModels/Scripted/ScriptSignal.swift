#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The signals that a script can send to its own process.
enum ScriptSignal {
    private static let numbers: [String: Int32] = [
        "ABRT": SIGABRT, "ALRM": SIGALRM, "BUS": SIGBUS, "FPE": SIGFPE, "HUP": SIGHUP, "ILL": SIGILL, "INT": SIGINT,
        "KILL": SIGKILL, "PIPE": SIGPIPE, "QUIT": SIGQUIT, "SEGV": SIGSEGV, "STOP": SIGSTOP, "SYS": SIGSYS,
        "TERM": SIGTERM, "TRAP": SIGTRAP, "USR1": SIGUSR1, "USR2": SIGUSR2,
    ]

    /// What the kernel sends to a process that takes more memory than it may have.
    static let outOfMemory = SIGKILL

    /// The names without `SIG`, in alphabetical order.
    static var names: [String] { numbers.keys.sorted() }

    /// The signal of a name, with or without `SIG`.
    static func number(named name: some StringProtocol) -> Int32? {
        let name = name.uppercased()
        return numbers[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name]
    }

    /// Sends this process the signal. Does not return where the signal is a fault's.
    static let sendToSelf: @Sendable (Int32) -> Void = { signal in
        guard faults.contains(signal) else {
            // To the process as from outside, so that a handler for a clean end gets it.
            _ = kill(getpid(), signal)
            return
        }
        // To this thread, which must not say another word while another one dies. The runtime's own handler prints a
        // backtrace and returns, because a real fault would happen again; and threads of a pool block some of these.
        restoreDefault(signal)
        _ = raise(signal)
    }

    private static let faults: Set<Int32> = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGSYS, SIGTRAP]

    private static func restoreDefault(_ number: Int32) {
        _ = signal(number, SIG_DFL)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, number)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }
}
