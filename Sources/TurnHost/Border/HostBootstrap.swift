package import Glibc

/// What a turn host's process does before anything else.
package enum HostBootstrap {
    /// Where a turn host finds its end of the border.
    package static let borderDescriptor: Int32 = 3

    /// The environment variable in which a turn host finds the process id of its consumer.
    package static let parentVariable = "CARRYON_HOST_PARENT"

    /// Has the kernel kill this process when the consumer dies, however it dies. False if that could not be arranged
    /// or the consumer is dead already: the host must stop then. (The kernel watches the *thread* that started this
    /// process; the consumer keeps it alive as long as the host lives.)
    package static func dieWithParent(expectedParent: pid_t) -> Bool {
        guard setParentDeathSignal(SIGKILL) else { return false }
        // A parent that died before the call above sent no signal.
        return getppid() == expectedParent
    }

    /// Keeps the programs that tools start from inheriting the border, which would hold it open after the host's end.
    package static func keepBorderPrivate(_ descriptor: Int32 = borderDescriptor) {
        let flags = fcntl(descriptor, F_GETFD)
        if flags >= 0 { _ = fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) }
    }

    /// Has process lists, and the kernel's word of an out-of-memory kill, name this process so: started by way of
    /// `/proc/self/exe`, it is called `exe` there. If that is not to be had, the name stays. The kernel takes 15 bytes.
    package static func nameProcess(_ name: String) {
        let descriptor = open("/proc/self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, name, name.utf8.count)
        close(descriptor)
    }

    /// `prctl` is variadic and in no module, so it is looked up by its name; its arguments are all of register size,
    /// which makes the variadic call and this one the same on the platforms that Swift runs on.
    private static func setParentDeathSignal(_ signal: Int32) -> Bool {
        typealias Prctl = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        let setParentDeathSignal: Int32 = 1
        guard let program = dlopen(nil, RTLD_NOW), let symbol = dlsym(program, "prctl") else { return false }
        let prctl = unsafeBitCast(symbol, to: Prctl.self)
        return prctl(setParentDeathSignal, UInt(signal), 0, 0, 0) == 0
    }
}
