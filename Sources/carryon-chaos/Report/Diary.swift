import Foundation
import Synchronization

/// What was done when, in a file, and what a person who waits is told.
final class Diary: Sendable {
    private let start = ContinuousClock.now
    private let file: Mutex<FileHandle>

    /// - Parameter file: to be created.
    init(_ url: URL) throws {
        try Data().write(to: url)
        file = Mutex(try FileHandle(forWritingTo: url))
    }

    /// Seconds since the beginning.
    var time: String { String(format: "%7.2fs", (ContinuousClock.now - start) / .seconds(1)) }

    func note(_ text: String) {
        let line = Data("\(time)  \(text)\n".utf8)
        file.withLock { $0.write(line) }
    }

    /// Notes it and says it on standard error.
    func say(_ text: String) {
        note(text)
        Self.say(text)
    }

    static func say(_ text: String) {
        FileHandle.standardError.write(Data("== \(text)\n".utf8))
    }
}
