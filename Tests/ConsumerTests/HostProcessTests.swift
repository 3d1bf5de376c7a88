import Consumer
import Foundation
import SessionStore
import Synchronization
import Testing
import TestSupport
import TurnHost

/// What a host's owner hears, in order.
final class HostLog: Sendable {
    private let state = Mutex<(reports: [HostReport], deaths: [HostDeath], reportsAtDeath: Int)>(([], [], 0))

    var reports: [HostReport] { state.withLock { $0.reports } }
    var deaths: [HostDeath] { state.withLock { $0.deaths } }
    var reportsAtDeath: Int { state.withLock { $0.reportsAtDeath } }

    func add(_ report: HostReport) { state.withLock { $0.reports.append(report) } }
    func add(_ death: HostDeath) {
        state.withLock { state in
            state.deaths.append(death)
            state.reportsAtDeath = state.reports.count
        }
    }
}

/// A host made of a few lines of shell: descriptor 3 is its border.
private func shellHost(
    _ script: String, log: HostLog, memoryLimit: Int? = nil, grace: Duration = .seconds(5)
) -> HostProcess {
    let options = HostProcess.Options(
        executable: "/bin/sh", arguments: ["-c", script], environment: ["PATH": "/usr/bin:/bin"],
        memoryLimit: memoryLimit, grace: grace)
    let host = HostProcess(
        options: options, hostID: "host-1", onReport: { log.add($0) }, onDeath: { log.add($0) })
    host.start()
    return host
}

private func octal(_ frame: [UInt8]) -> String {
    frame.map { "\\" + String(repeating: "0", count: 3 - String($0, radix: 8).count) + String($0, radix: 8) }.joined()
}

@Suite("Host processes")
struct HostProcessTests {
    private let settled = octal(FrameCodec.encode(HostReport.settled(entries: [1, 2])))

    @Test(
        "The way a host ends is told as it was",
        arguments: [
            ("kill -SEGV $$", RunEnd.crashed, "SIGSEGV"), ("kill -ABRT $$", .crashed, "SIGABRT"),
            ("kill -KILL $$", .crashed, "SIGKILL"), ("exit 3", .crashed, "exit status 3"),
            ("exit 137", .outOfMemory, "out of memory (exit status 137)"),
        ])
    func deaths(script: String, kind: RunEnd, cause: String) async throws {
        let log = HostLog()
        let host = shellHost(script, log: log)
        try await eventually(timeout: .seconds(15)) { !log.deaths.isEmpty }
        #expect(log.deaths == [HostDeath(kind: kind, cause: cause, hostID: "host-1")])
        #expect(host.processID == nil)
    }

    @Test("What a host reported before it died is passed on before its death")
    func lastWords() async throws {
        let log = HostLog()
        let host = shellHost(
            "i=0; while [ $i -lt 200 ]; do printf '\(settled)' >&3; i=$((i+1)); done; kill -SEGV $$", log: log)
        try await eventually(timeout: .seconds(15)) { !log.deaths.isEmpty }
        #expect(log.reportsAtDeath == 200)
        #expect(log.deaths.first?.cause == "SIGSEGV")
        _ = host
    }

    @Test("A grandchild that holds the border does not hide the host's death")
    func grandchild() async throws {
        let log = HostLog()
        let host = shellHost("sleep 2 & printf '\(settled)' >&3; kill -KILL $$", log: log)
        try await eventually(timeout: .seconds(1.5)) { !log.deaths.isEmpty }
        #expect(log.reportsAtDeath == 1)
        _ = host
    }

    @Test("An executable that is not there is a death with a reason")
    func notThere() async throws {
        let log = HostLog()
        let host = HostProcess(
            options: .init(executable: "/no/such/host", environment: [:]), hostID: "host-1",
            onReport: { log.add($0) }, onDeath: { log.add($0) })
        host.start()
        try await eventually(timeout: .seconds(15)) { !log.deaths.isEmpty }
        #expect(log.deaths.first?.kind == .crashed)
        #expect(log.deaths.first?.cause.contains("/no/such/host") == true)
    }

    @Test("A host that is asked to stop did not crash")
    func terminated() async throws {
        let log = HostLog()
        let host = shellHost("i=0; while [ $i -lt 400 ]; do sleep 0.05; i=$((i+1)); done", log: log)
        try await eventually(timeout: .seconds(60)) { host.processID != nil }
        host.terminate()
        try await eventually(timeout: .seconds(15)) { !log.deaths.isEmpty }
        #expect(log.deaths.first?.kind == .handover)
    }

    @Test("A host whose border is closed reads to its end and stops")
    func closed() async throws {
        let log = HostLog()
        let host = shellHost("cat <&3 >/dev/null", log: log)
        host.send(.caughtUp(assignment: 1))
        host.close()
        try await eventually(timeout: .seconds(15)) { !log.deaths.isEmpty }
        #expect(log.deaths == [HostDeath(kind: .handover, cause: "stopped (exit status 0)", hostID: "host-1")])
    }

    @Test("A host that breaks the border's rules is killed")
    func malformed() async throws {
        let log = HostLog()
        let host = shellHost("printf '\\000\\000\\000\\002\\011\\101' >&3; sleep 20", log: log)
        try await eventually(timeout: .seconds(15)) { !log.deaths.isEmpty }
        #expect(log.deaths.first?.kind == .crashed)
        #expect(log.deaths.first?.cause.contains("version 9") == true)
        _ = host
    }

    @Test("A host that takes more memory than its limit is killed, which counts as out of memory")
    func memoryWatch() async throws {
        let log = HostLog()
        let script =
            "exec python3 -c 'import time; b = bytearray(96 << 20); b[::4096] = b\"x\" * len(b[::4096]); time.sleep(20)'"
        let host = shellHost(script, log: log, memoryLimit: 64 << 20)
        try await eventually(timeout: .seconds(15)) { !log.deaths.isEmpty }
        #expect(log.deaths == [HostDeath(kind: .outOfMemory, cause: "out of memory (64 MiB)", hostID: "host-1")])
        _ = host
    }

    @Test("A host has its border as descriptor 3 and nothing of the consumer's beside it")
    func descriptors() async throws {
        let leak = open("/dev/null", O_RDONLY)
        defer { close(leak) }
        let directory = try TemporaryDirectory()
        let file = directory.path("descriptors")
        let log = HostLog()
        let host = shellHost("ls /proc/$$/fd > \(file)", log: log)
        try await eventually(timeout: .seconds(15)) { !log.deaths.isEmpty }
        let names = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap { Int($0) }
        // The shell keeps one of its own, far up, for its script's redirections.
        #expect(names.filter { $0 < 10 } == [0, 1, 2, 3])
        _ = host
    }
}
