package import TurnHost

/// An order to kill a process with SIGKILL at a named step of a turn: `[host|worker]:STEP[:TIMES]`.
package struct KillAt: Sendable, Hashable, CustomStringConvertible {
    /// Which process ends.
    package enum Process: String, Sendable, CaseIterable {
        case host, worker
    }

    package var process: Process
    package var step: TurnStep
    /// How many processes die before the step is let through; at least 1.
    package var times: Int

    package init(process: Process = .host, step: TurnStep, times: Int = 1) {
        self.process = process
        self.step = step
        self.times = times
    }

    /// `nil` if `text` is not of the form. An absent process, also in front of its colon, is `host`.
    package init?(_ text: String) {
        var fields = text.split(separator: ":", omittingEmptySubsequences: false)[...]
        guard let first = fields.first else { return nil }
        var process = Process.host
        if let named = Process(rawValue: String(first)) {
            process = named
            fields.removeFirst()
        } else if first.isEmpty {
            fields.removeFirst()
        }
        guard let step = fields.popFirst().flatMap({ TurnStep(rawValue: String($0)) }) else { return nil }
        var times = 1
        if let count = fields.popFirst() {
            guard let number = Int(count), number >= 1 else { return nil }
            times = number
        }
        guard fields.isEmpty else { return nil }
        self.init(process: process, step: step, times: times)
    }

    package var description: String { "\(process.rawValue):\(step.rawValue):\(times)" }
}
