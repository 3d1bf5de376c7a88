import Foundation
import Glibc
import TurnHost

/// Kills a process at a named step of a turn, so many times in the worker's life, however many processes that takes.
///
/// How often is left to do is kept as files in a directory that the consumer makes: taking one away is atomic and
/// outlives whoever did it.
struct KillSwitch: Sendable {
    let killAt: KillAt
    /// Where what is left to do is kept.
    let directory: String
    /// The consumer's process.
    let worker: pid_t

    /// Makes the directory, for the consumer.
    static func arm(_ killAt: KillAt) throws -> KillSwitch {
        let directory = NSTemporaryDirectory() + "carryon-kill-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for time in 1...killAt.times {
            try Data().write(to: URL(fileURLWithPath: "\(directory)/\(time)"))
        }
        return KillSwitch(killAt: killAt, directory: directory, worker: getpid())
    }

    /// Takes the directory away, for the consumer at its orderly end.
    func disarm() {
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Kills the process that it is meant for if this is the step.
    func reached(_ step: TurnStep) {
        guard step == killAt.step else { return }
        guard (1...killAt.times).contains(where: { unlink("\(directory)/\($0)") == 0 }) else { return }
        kill(killAt.process == .worker ? worker : getpid(), SIGKILL)
        // The step must not be passed while the signal is on its way.
        while true { pause() }
    }
}
