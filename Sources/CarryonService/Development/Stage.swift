import Conversation
import Foundation

/// What the demonstration shows of one turn, and what it has seen.
actor Stage {
    private let killAfterWords: Int
    private let began = ContinuousClock.now
    private var text = ""
    private var words = 0
    private var hasKilled = false
    private var killedAt: ContinuousClock.Instant?
    private var pause: Duration?
    private var lastSeq: Int64?
    private var gaps = 0
    private var column = 0
    private(set) var isOver = false

    init(killAfterWords: Int) {
        self.killAfterWords = killAfterWords
    }

    /// Shows an event.
    /// - Returns: whether it is time to kill.
    func show(_ event: Event) -> Bool {
        if let lastSeq, event.seq != lastSeq + 1 { gaps += 1 }
        lastSeq = event.seq
        switch event.body {
        case .chunk(.textDelta(let delta)): return show(delta.delta)
        case .control(.recovered(let cause, _, let policy, _)):
            note("run \(event.run ?? 0) takes over: \(cause), \(policy)")
        case .control(.turnComplete(let complete)):
            note("turn complete: \(complete.outcome.rawValue)")
            isOver = true
        default: break
        }
        return false
    }

    private func show(_ delta: String) -> Bool {
        if let killedAt, pause == nil {
            pause = .now - killedAt
            note("the first new word, \((.now - killedAt).milliseconds) ms after the kill")
        }
        text += delta
        for word in delta.split(separator: " ") {
            if column + word.count + 1 > 92 { newline() }
            if column == 0 { write(time() + "  ") }
            write("\(word) ")
            column += word.count + 1
            words += 1
        }
        guard words >= killAfterWords, !hasKilled else { return false }
        hasKilled = true
        return true
    }

    /// Puts a remark on a line of its own.
    func note(_ remark: String) {
        if remark.hasPrefix("kill") { killedAt = .now }
        newline()
        write("\(time())  -- \(remark)\n")
    }

    /// - Throws: ``CommandFailure`` for the first thing that is not as it should be.
    func verify(expected: String) throws {
        func failure(_ message: String) -> CommandFailure { CommandFailure(.failed, message) }
        write("\n")
        guard text == expected else { throw failure("the reader saw \"\(text)\"") }
        guard gaps == 0 else { throw failure("the reader saw \(gaps) gaps in the events' seq") }
        guard hasKilled, pause != nil else { throw failure("the answer was over before anything was killed") }
    }

    private func newline() {
        if column > 0 { write("\n") }
        column = 0
    }

    private func time() -> String {
        let seconds = Double((ContinuousClock.now - began).milliseconds) / 1000
        return String(format: "%6.2fs", seconds)
    }

    private func write(_ text: String) {
        StandardOutput.write(text)
    }
}

extension Duration {
    /// Whole milliseconds.
    var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
