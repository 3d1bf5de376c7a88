internal import Foundation
internal import Kafka
internal import Synchronization

/// A child process that does not outlive this one.
///
/// The kernel kills it when the *thread* that started it ends, so a thread of its own starts it and waits for it.
final class BrokerProcess: Sendable {
    private enum Stage {
        case running(pid_t)
        case ended(status: Int32)
    }

    private let stage: Mutex<Stage>

    /// Starts `executable` with these arguments, its output discarded.
    static func start(_ executable: String, _ arguments: [String]) async throws -> BrokerProcess {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try DedicatedThread.start(name: "broker-process", operation: "start \(executable)") {
                    do {
                        let process = BrokerProcess(try spawn(executable, arguments))
                        continuation.resume(returning: process)
                        process.wait()
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private init(_ pid: pid_t) {
        stage = Mutex(.running(pid))
    }

    /// The exit status as `waitpid` tells it; nil while it runs.
    var status: Int32? {
        stage.withLock { stage in
            if case .ended(let status) = stage { return status }
            return nil
        }
    }

    /// The process's number; nil once it has ended.
    var pid: pid_t? {
        stage.withLock { stage in
            if case .running(let pid) = stage { return pid }
            return nil
        }
    }

    /// Nothing happens if the process has ended: its number may be another's by then.
    func signal(_ number: Int32) {
        stage.withLock { stage in
            if case .running(let pid) = stage { kill(pid, number) }
        }
    }

    private func wait() {
        guard let pid else { return }
        // Waits without reaping, so that the number stays taken until the lock is held.
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        stage.withLock { stage in
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            stage = .ended(status: status)
        }
    }

    private static func spawn(_ executable: String, _ arguments: [String]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in 0...2 as ClosedRange<Int32> {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        // Sockets of other tests must not stay open in the child; closing one that is not open does no harm.
        for descriptor in 3..<1_024 as Range<Int32> { posix_spawn_file_actions_addclose(&actions, descriptor) }
        let words = ["setpriv", "--pdeathsig", "KILL", "--", executable] + arguments
        var argumentPointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        argumentPointers.append(nil)
        defer { for pointer in argumentPointers { free(pointer) } }
        var pid = pid_t()
        let status = posix_spawnp(&pid, "setpriv", &actions, nil, argumentPointers, environ)
        guard status == 0 else {
            throw KafkaError(
                code: KafkaError.Code.failed, operation: "start \(executable)",
                reason: String(cString: strerror(status)))
        }
        return pid
    }
}
