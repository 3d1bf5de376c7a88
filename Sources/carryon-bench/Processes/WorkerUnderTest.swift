import Foundation
import Glibc
import Synchronization

/// A `carryon work`, or another command that goes on until it is stopped, of the executable that is measured.
final class WorkerUnderTest: Sendable {
    let processID: Int32
    /// What it prints.
    let log: URL
    private let hasEnded = Mutex(false)

    /// - Parameters:
    ///   - command: what it runs, with its arguments.
    ///   - settings: as environment variables, without their prefix.
    ///   - log: the file that gets what the worker prints.
    init(executable: String, command: [String] = ["work"], settings: [String: String], directory: URL, log: URL) throws
    {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARRYON_") }
        for (name, value) in settings { environment["CARRYON_\(name)"] = value }
        self.log = log
        try Data().write(to: log)
        let output = try FileHandle(forWritingTo: log)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = command
        process.environment = environment
        process.currentDirectoryURL = directory
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        self.ended = ended
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        processID = process.processIdentifier
    }

    private let ended: DispatchSemaphore

    /// Its turn hosts, oldest first; the spare is the youngest.
    var hosts: [Int32] { ProcessUsage.children(of: processID) }

    /// Waits until it has ended by itself; kills it if that takes too long.
    func end(within seconds: Double) async {
        await withCheckedContinuation { continuation in
            Thread {
                if self.ended.wait(timeout: .now() + seconds) == .timedOut {
                    self.kill()
                    self.ended.wait()
                }
                self.hasEnded.withLock { $0 = true }
                continuation.resume()
            }.start()
        }
    }

    func kill() {
        _ = Glibc.kill(processID, SIGKILL)
    }

    /// Has it drain; kills it if that takes too long.
    func stop(within seconds: Double = 30) async {
        guard !hasEnded.withLock({ $0 }) else { return }
        _ = Glibc.kill(processID, SIGTERM)
        await end(within: seconds)
    }
}
