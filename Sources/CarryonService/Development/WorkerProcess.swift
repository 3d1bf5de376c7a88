import Foundation
import Glibc
import Synchronization

/// A worker as a process of its own, started again when it dies.
///
/// The broker of `carryon dev` must outlive the worker that is killed for show, so the two are not one process.
final class WorkerProcess: Sendable {
    private struct State {
        var processID: Int32?
        var isStopping = false
        var starts = 0
    }

    private let arguments: [String]
    private let environment: [String: String]
    private let onDeath: @Sendable (String) -> Void
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)

    /// - Parameter onDeath: told how a worker ended that nobody had asked to.
    init(
        arguments: [String], environment: [String: String], onDeath: @escaping @Sendable (String) -> Void
    ) {
        self.arguments = arguments
        self.environment = environment
        self.onDeath = onDeath
    }

    /// The worker that runs now.
    var processID: Int32? { state.withLock { $0.processID } }

    func start() {
        // The kernel kills the worker when the thread that started it ends, so one thread stays for all of them.
        let thread = Thread { self.live() }
        thread.name = "worker"
        thread.start()
    }

    /// Has the worker drain and waits for its end.
    func stop() async {
        let processID = state.withLock { state in
            state.isStopping = true
            return state.processID
        }
        if let processID { kill(processID, SIGTERM) }
        await withCheckedContinuation { continuation in
            Thread {
                self.ended.wait()
                continuation.resume()
            }.start()
        }
    }

    private func live() {
        defer { ended.signal() }
        while !state.withLock({ $0.isStopping }) {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            process.arguments = arguments
            process.environment = environment
            do {
                try process.run()
            } catch {
                onDeath("it could not be started: \(error)")
                return
            }
            state.withLock { state in
                state.processID = process.processIdentifier
                state.starts += 1
                if state.isStopping { kill(process.processIdentifier, SIGTERM) }
            }
            process.waitUntilExit()
            let (isStopping, starts) = state.withLock { state in
                state.processID = nil
                return (state.isStopping, state.starts)
            }
            if isStopping { return }
            let reason = process.terminationReason == .uncaughtSignal ? "signal" : "exit status"
            onDeath("\(reason) \(process.terminationStatus)")
            // A worker that can't even start is not to be started in a hot loop.
            if starts > 3 { Thread.sleep(forTimeInterval: 1) }
        }
    }
}
