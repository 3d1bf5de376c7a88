internal import Foundation

/// How a process ended.
package enum ProcessEnding: Equatable, CustomStringConvertible {
    case exited(Int32)
    case signaled(Int32)

    /// Takes a status of `waitpid` apart.
    package init(waitStatus: Int32) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .exited((waitStatus >> 8) & 0xFF) : .signaled(signal)
    }

    package static let done = ProcessEnding.exited(0)
    package static let killed = ProcessEnding.signaled(SIGKILL)

    package var description: String {
        switch self {
        case .exited(let status): "exit status \(status)"
        case .signaled(let signal): "signal \(signal)"
        }
    }
}
