import Foundation
import Glibc
import Synchronization
package import TurnHost

/// A turn host in a process of its own, from its start to its end.
package final class HostProcess: RunningHost {
    package struct Options: Sendable {
        package var executable: String
        /// What the process calls itself in lists of processes.
        package var name: String
        package var arguments: [String]
        package var environment: [String: String]
        /// The largest resident size in bytes; a host beyond it is killed, which counts as out of memory.
        package var memoryLimit: Int?
        /// How long a host may live on that has closed its border.
        package var grace: Duration

        package init(
            executable: String, name: String? = nil, arguments: [String] = ["turn-host"],
            environment: [String: String],
            memoryLimit: Int? = nil, grace: Duration = .seconds(5)
        ) {
            self.executable = executable
            self.name = name ?? executable
            self.arguments = arguments
            self.environment = environment
            self.memoryLimit = memoryLimit
            self.grace = grace
        }
    }

    private enum Life {
        case notStarted
        case running(pid_t)
        /// Its number may mean another process soon.
        case ended
    }

    private struct State {
        var life = Life.notStarted
        var wasKilledByMemoryWatch = false
        var wasAskedToStop = false
        var breach: String?
        var channel: FrameChannel?
        /// What was sent before the process was there.
        var early: [[UInt8]] = []
        var isClosed = false
    }

    private let options: Options
    private let hostID: String
    private let onReport: @Sendable (HostReport) -> Void
    private let onDeath: @Sendable (HostDeath) -> Void
    private let state = Mutex(State())
    private let drained = DispatchSemaphore(value: 0)
    private let ended = DispatchSemaphore(value: 0)

    /// Nothing happens before ``start()``. `onReport` is called on the border's thread, `onDeath` on the process's.
    package init(
        options: Options, hostID: String, onReport: @escaping @Sendable (HostReport) -> Void,
        onDeath: @escaping @Sendable (HostDeath) -> Void
    ) {
        self.options = options
        self.hostID = hostID
        self.onReport = onReport
        self.onDeath = onDeath
    }

    /// Starts the process on a thread that lives as long as the process: the parent-death signal that the host asks
    /// for is bound to the *thread* that started it.
    package func start() {
        let thread = Thread { self.live() }
        thread.name = "host \(hostID)"
        thread.start()
    }

    package var processID: Int32? {
        state.withLock { if case .running(let processID) = $0.life { processID } else { nil } }
    }

    package func send(_ command: HostCommand) {
        let frame = FrameCodec.encode(command)
        state.withLock { state in
            // Under the lock, so that the early ones stay in front.
            if let channel = state.channel {
                channel.send(frame)
            } else if case .notStarted = state.life {
                state.early.append(frame)
            }
        }
    }

    package func close() {
        let channel = state.withLock { state in
            state.isClosed = true
            state.wasAskedToStop = true
            return state.channel
        }
        channel?.close()
    }

    package func terminate() {
        signal(SIGTERM) { $0.wasAskedToStop = true }
    }

    package func kill() {
        signal(SIGKILL) { $0.wasAskedToStop = true }
    }

    package func breakOff(because reason: String) {
        signal(SIGKILL) { $0.breach = reason }
    }

    /// Signals only while the process's number is its own.
    private func signal(_ signal: Int32, noting note: (inout State) -> Void) {
        state.withLock { state in
            guard case .running(let processID) = state.life else { return note(&state) }
            note(&state)
            _ = Glibc.kill(processID, signal)
        }
    }

    private func live() {
        let killsBefore = GroupMemory.outOfMemoryKills()
        let processID: pid_t
        do {
            processID = try spawn()
        } catch {
            state.withLock { $0.life = .ended }
            onDeath(HostExit(status: .notStarted(reason: error.description)).death(of: hostID))
            return
        }
        if let limit = options.memoryLimit { watchMemory(of: processID, limit: limit) }
        ChildProcess.waitUntilEnded(processID)
        let channel = state.withLock { state in
            state.life = .ended
            return state.channel
        }
        let reaped = ChildProcess.reap(processID)
        ended.signal()
        // What the host had reported before it died counts, so its death is told only after the last of it.
        channel?.finishReading()
        drained.wait()

        var exit = reaped.map { HostExit(waitStatus: $0.status) } ?? HostExit(status: .exited(-1))
        exit.peakBytes = reaped?.peakBytes
        exit.memoryLimit = options.memoryLimit
        state.withLock { state in
            exit.wasKilledByMemoryWatch = state.wasKilledByMemoryWatch
            exit.wasAskedToStop = state.wasAskedToStop
            exit.breach = state.breach
        }
        if let killsBefore, let kills = GroupMemory.outOfMemoryKills() {
            exit.didGroupRunOutOfMemory = kills > killsBefore
        }
        onDeath(exit.death(of: hostID))
    }

    private func spawn() throws(ChildProcess.SpawnFailure) -> pid_t {
        let (ours, theirs) = try ChildProcess.socketPair()
        var environment = options.environment
        environment[HostBootstrap.parentVariable] = String(getpid())
        let processID: pid_t
        do {
            processID = try ChildProcess.spawn(
                executable: options.executable, name: options.name, arguments: options.arguments,
                environment: environment,
                descriptor: theirs)
        } catch {
            Glibc.close(ours)
            Glibc.close(theirs)
            throw error
        }
        Glibc.close(theirs)
        ChildProcess.offerToOutOfMemoryKiller(processID)
        let channel = FrameChannel(descriptor: ours)
        channel.start(
            name: "border \(hostID)",
            onFrame: { [onReport] frame throws(FrameError) in onReport(try FrameCodec.decodeReport(frame)) },
            onEnd: { self.borderEnded($0) })
        let wasAskedToStop = state.withLock { state in
            for frame in state.early { channel.send(frame) }
            state.early = []
            state.channel = channel
            state.life = .running(processID)
            // A host may break the border's rules before anybody here knows its number.
            if state.breach != nil { _ = Glibc.kill(processID, SIGKILL) }
            return state.wasAskedToStop
        }
        if wasAskedToStop { channel.close() }
        return processID
    }

    /// A host that breaks the border's rules is killed; one that has closed its border is no host any more, and gets
    /// a while to end on its own so that the way it ends is not covered up.
    private func borderEnded(_ error: FrameError?) {
        if let error, error.code != .truncated, error.code != .brokenChannel {
            signal(SIGKILL) { $0.breach = "broke the border: \(error)" }
        } else {
            DispatchQueue.global().asyncAfter(deadline: .now() + options.grace.seconds) { [weak self] in
                self?.signal(SIGKILL) { _ in }
            }
        }
        drained.signal()
    }

    private func watchMemory(of processID: pid_t, limit: Int) {
        let thread = Thread {
            // The wait is the interval; it ends early when the process does.
            while self.ended.wait(timeout: .now() + .milliseconds(10)) == .timedOut {
                guard let resident = ChildProcess.residentBytes(of: processID) else { continue }
                if resident > limit { self.signal(SIGKILL) { $0.wasKilledByMemoryWatch = true } }
            }
        }
        thread.name = "memory of \(hostID)"
        thread.start()
    }
}

extension Duration {
    /// For interfaces that count in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
