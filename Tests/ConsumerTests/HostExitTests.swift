import Consumer
import SessionStore
import Testing
import TurnHost

@Suite("How a host's end is classified")
struct HostExitTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var exit: HostExit
        var kind: RunEnd
        var cause: String
        var testDescription: String { name }

        init(
            _ name: String, _ status: HostExit.Status, _ kind: RunEnd, _ cause: String,
            _ change: (inout HostExit) -> Void = { _ in }
        ) {
            self.name = name
            exit = HostExit(status: status)
            change(&exit)
            self.kind = kind
            self.cause = cause
        }
    }

    static let rows = [
        Row("segmentation fault", .signaled(11), .crashed, "SIGSEGV"),
        Row("abort", .signaled(6), .crashed, "SIGABRT"),
        Row("bus error", .signaled(7), .crashed, "SIGBUS"),
        Row("illegal instruction", .signaled(4), .crashed, "SIGILL"),
        Row("trap", .signaled(5), .crashed, "SIGTRAP"),
        Row("arithmetic", .signaled(8), .crashed, "SIGFPE"),
        Row("somebody's SIGKILL", .signaled(9), .crashed, "SIGKILL"),
        Row("somebody's SIGTERM", .signaled(15), .crashed, "SIGTERM"),
        Row("a signal without a name", .signaled(40), .crashed, "signal 40"),
        Row("exit status", .exited(3), .crashed, "exit status 3"),
        Row("unasked end", .exited(0), .crashed, "exit status 0"),
        Row("a shell's 139 is no signal", .exited(139), .crashed, "exit status 139"),
        Row("a shell's 137", .exited(137), .outOfMemory, "out of memory (exit status 137)"),
        Row("never started", .notStarted(reason: "no such file"), .crashed, "could not be started: no such file"),
        Row("our memory watch", .signaled(9), .outOfMemory, "out of memory (512 MiB)") {
            $0.wasKilledByMemoryWatch = true
            $0.memoryLimit = 512 << 20
        },
        Row("the kernel's out-of-memory killer", .signaled(9), .outOfMemory, "out of memory (at 3 MiB)") {
            $0.didGroupRunOutOfMemory = true
            $0.peakBytes = 3 << 20
        },
        Row("a crash beside somebody's out-of-memory kill", .signaled(11), .crashed, "SIGSEGV") {
            $0.didGroupRunOutOfMemory = true
        },
        Row("our SIGTERM", .signaled(15), .handover, "stopped (SIGTERM)") { $0.wasAskedToStop = true },
        Row("our end of file", .exited(0), .handover, "stopped (exit status 0)") { $0.wasAskedToStop = true },
        Row("a crash while stopping", .signaled(11), .crashed, "SIGSEGV") { $0.wasAskedToStop = true },
        Row("a broken border", .signaled(9), .crashed, "broke the border: x") { $0.breach = "broke the border: x" },
    ]

    @Test("By signal, status and memory", arguments: rows)
    func classifies(row: Row) {
        let death = row.exit.death(of: "host-1")
        #expect(death.kind == row.kind)
        #expect(death.cause == row.cause)
        #expect(death.hostID == "host-1")
    }

    @Test("A wait status is taken apart")
    func waitStatus() {
        #expect(HostExit(waitStatus: 11).status == .signaled(11))
        #expect(HostExit(waitStatus: 11 | 0x80).status == .signaled(11), "with a core dump")
        #expect(HostExit(waitStatus: 3 << 8).status == .exited(3))
        #expect(HostExit(waitStatus: 0).status == .exited(0))
    }
}
