import Foundation

/// Says on standard error how far a long reading has come, every other second.
struct ReadingProgress {
    private let what: String
    private var next = ContinuousClock.now + .seconds(2)

    init(_ what: String) {
        self.what = what
    }

    mutating func reached(_ count: Int) {
        guard ContinuousClock.now >= next else { return }
        next = .now + .seconds(2)
        FileHandle.standardError.write(Data("carryon: \(count) \(what) read so far\n".utf8))
    }
}

extension LetterReader {
    /// Every letter of the topic, telling how far the reading has come.
    func entries() async throws -> [LetterLedger.Entry] {
        var progress = ReadingProgress("records of \(topic)")
        return try await ledger { progress.reached($0) }.entries
    }
}
