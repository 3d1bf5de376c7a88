import Glibc

/// One started process: the C calls, and nothing of what they are for.
enum ChildProcess {
    struct SpawnFailure: Error, CustomStringConvertible {
        let description: String
    }

    private typealias AddCloseFrom =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32

    /// The C library has it (since glibc 2.34), its module does not show it.
    private static let addCloseFrom: AddCloseFrom? = {
        guard let program = dlopen(nil, RTLD_NOW),
            let symbol = dlsym(program, "posix_spawn_file_actions_addclosefrom_np")
        else { return nil }
        return unsafeBitCast(symbol, to: AddCloseFrom.self)
    }()

    /// Starts a program with `descriptor` as its file descriptor 3 and nothing else but standard input, output and
    /// error open. It gets a process group of its own (an interrupt at the terminal is for the consumer, which then
    /// drains), no blocked signals and no ignored ones.
    static func spawn(
        executable: String, name: String, arguments: [String], environment: [String: String], descriptor: Int32
    ) throws(SpawnFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, descriptor, 3)
        // Not every library opens its descriptors close-on-exec.
        _ = addCloseFrom?(&actions, 4)
        var noSignals = sigset_t()
        var allSignals = sigset_t()
        sigemptyset(&noSignals)
        sigfillset(&allSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setsigdefault(&attributes, &allSignals)
        posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let argumentList = ([name] + arguments).map { strdup($0) }
        let environmentList = environment.map { strdup("\($0.key)=\($0.value)") }
        defer { (argumentList + environmentList).forEach { free($0) } }
        var processID: pid_t = 0
        let result = posix_spawn(
            &processID, executable, &actions, &attributes, argumentList + [nil], environmentList + [nil])
        guard result == 0 else {
            throw SpawnFailure(description: "\(executable): \(String(cString: strerror(result)))")
        }
        return processID
    }

    /// Waits until the process has ended, and leaves its number taken: a signal can still not hit another process.
    static func waitUntilEnded(_ processID: pid_t) {
        var information = siginfo_t()
        while waitid(P_PID, id_t(processID), &information, Int32(WEXITED | WNOWAIT)) < 0, errno == EINTR {}
    }

    /// The status and the largest resident size in bytes of a process that has ended, whose number is free after that.
    static func reap(_ processID: pid_t) -> (status: Int32, peakBytes: Int)? {
        var status: Int32 = 0
        var usage = rusage()
        while true {
            let result = wait4(processID, &status, 0, &usage)
            if result == processID { return (status, Int(usage.ru_maxrss) << 10) }
            if result < 0, errno == EINTR { continue }
            return nil
        }
    }

    /// Its resident size in bytes; nil when it is gone.
    static func residentBytes(of processID: pid_t) -> Int? {
        var buffer = [UInt8](repeating: 0, count: 128)
        let file = open("/proc/\(processID)/statm", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let count = read(file, &buffer, buffer.count)
        guard count > 0 else { return nil }
        let fields = buffer[..<count].split(separator: UInt8(ascii: " "))
        guard fields.count > 1, let pages = Int(String(decoding: fields[1], as: UTF8.self)) else { return nil }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Makes the kernel prefer it when memory runs out. Nothing depends on that it works.
    static func offerToOutOfMemoryKiller(_ processID: pid_t) {
        let file = open("/proc/\(processID)/oom_score_adj", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        _ = write(file, "500", 3)
    }

    /// Both ends of a stream, neither inherited by a program that is started meanwhile.
    static func socketPair() throws(SpawnFailure) -> (ours: Int32, theirs: Int32) {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw SpawnFailure(description: "no socket pair: \(String(cString: strerror(errno)))")
        }
        return (ends[0], ends[1])
    }
}
