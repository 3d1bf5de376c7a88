package import Foundation
internal import Kafka
internal import Synchronization

/// A running `carryon`, whose output goes to files. It does not outlive the process that started it: the kernel kills it
/// when the thread that did ends, so that thread waits for it.
package final class CarryonProcess: Sendable {
    package struct NotStarted: Error, CustomStringConvertible {
        let name: String
        let code: Int32

        package var description: String {
            "The process \(name) could not be started: \(String(cString: strerror(code)))."
        }
    }

    /// It did not end in time.
    package struct NotEnded: Error, CustomStringConvertible {
        let name: String
        let timeout: Duration

        package var description: String { "process \(name): expected its end within \(timeout), but came none." }
    }

    private enum Stage {
        case running(pid_t)
        case ended(ProcessEnding)
    }

    package let name: String
    private let output: URL
    private let errors: URL
    private let stage: Mutex<Stage>

    /// - Parameters:
    ///   - executable: which of the package's executables it is.
    ///   - name: what its output's files are called.
    ///   - directory: its working directory, and where the files are.
    ///   - input: what it reads from its standard input.
    package static func start(
        _ arguments: [String], executable: String = "carryon", name: String, environment: [String: String],
        directory: URL, input: String? = nil
    ) async throws -> CarryonProcess {
        let executable = try CarryonExecutable.find(executable)
        if let input { try Data(input.utf8).write(to: directory.appending(path: "\(name).in")) }
        let inputPath = input == nil ? "/dev/null" : directory.appending(path: "\(name).in").path(percentEncoded: false)
        return try await withCheckedThrowingContinuation { continuation in
            do {
                try DedicatedThread.start(name: "carryon-process", operation: "start \(name)") {
                    do {
                        let start = [
                            "env", "-C", directory.path(percentEncoded: false), "setpriv", "--pdeathsig", "KILL",
                        ]
                        let words = start + ["--", executable] + arguments
                        let process = try CarryonProcess(words, name, environment, directory, inputPath)
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

    private init(
        _ words: [String], _ name: String, _ environment: [String: String], _ directory: URL, _ inputPath: String
    ) throws {
        self.name = name
        output = directory.appending(path: "\(name).out")
        errors = directory.appending(path: "\(name).err")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let created = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 0, inputPath, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output.path(percentEncoded: false), created, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors.path(percentEncoded: false), created, 0o600)
        // Other tests' sockets must not stay open in the child; closing one that is not open does no harm.
        for descriptor in 3..<1_024 as Range<Int32> { posix_spawn_file_actions_addclose(&actions, descriptor) }
        let variables = environment.map { "\($0.key)=\($0.value)" }
        var pid = pid_t()
        let status = Self.withPointers(words) { arguments in
            Self.withPointers(variables) { posix_spawnp(&pid, "env", &actions, nil, arguments, $0) }
        }
        guard status == 0 else { throw NotStarted(name: name, code: status) }
        stage = Mutex(.running(pid))
    }

    deinit {
        signal(SIGKILL)
    }

    /// Nil once it has ended: the number may be another's by then.
    package var processID: pid_t? {
        stage.withLock { stage in
            if case .running(let pid) = stage { return pid }
            return nil
        }
    }

    /// Nil while it runs.
    package var ending: ProcessEnding? {
        stage.withLock { stage in
            if case .ended(let ending) = stage { return ending }
            return nil
        }
    }

    package var outputText: String { Self.text(output) }
    package var errorText: String { Self.text(errors) }

    /// Its last lines on standard error, with its name and how it ended.
    package func lastWords(_ count: Int = 25) -> String {
        let lines = errorText.split(separator: "\n").suffix(count).map { "    \($0)" }
        let state = ending.map { "\($0)" } ?? "running"
        return "  \(name) (\(state)):\n" + lines.joined(separator: "\n")
    }

    /// Nothing happens if the process has ended.
    package func signal(_ number: Int32) {
        stage.withLock { stage in
            if case .running(let pid) = stage { kill(pid, number) }
        }
    }

    /// Waits for the end.
    package func end(within timeout: Duration) async throws -> ProcessEnding {
        do {
            return try await eventually(timeout: timeout) { ending }
        } catch is NeverHappened {
            throw NotEnded(name: name, timeout: timeout)
        }
    }

    private func wait() {
        guard let processID else { return }
        // Waits without reaping, so that the number stays taken until the lock is held.
        var information = siginfo_t()
        while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        stage.withLock { stage in
            var status: Int32 = 0
            waitpid(processID, &status, 0)
            stage = .ended(ProcessEnding(waitStatus: status))
        }
    }

    private static func withPointers<Output>(
        _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Output
    ) -> Output {
        let pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }

    private static func text(_ file: URL) -> String {
        (try? Data(contentsOf: file)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension CarryonProcess {
    /// How much memory it has now; nil once it has ended.
    package var residentBytes: Int? {
        guard let processID,
            let status = try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") })
        else { return nil }
        return line.split(separator: " ").compactMap { Int($0) }.first.map { $0 << 10 }
    }

    /// Its number and those of the processes that it has started.
    package var family: [pid_t] {
        guard let processID else { return [] }
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/task")) ?? []
        let children = tasks.flatMap { task -> [pid_t] in
            let list = try? String(contentsOfFile: "/proc/\(processID)/task/\(task)/children", encoding: .utf8)
            return (list ?? "").split(separator: " ").compactMap { pid_t($0) }
        }
        return [processID] + children
    }
}
