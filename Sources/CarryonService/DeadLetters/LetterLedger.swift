import Kafka

/// What the dead letters topic amounts to: its letters, and what was done about each. Each partition's records are
/// taken in their order; how the partitions' are mixed makes no difference.
struct LetterLedger: Sendable {
    /// A letter with what was done about it.
    struct Entry: Sendable, Hashable {
        var letter: Letter
        /// The same letter, written again: its worker died after the first time, before that counted.
        var repeats: [LetterID] = []
        /// In the order in which they were written.
        var resolutions: [LetterResolution] = []

        /// What holds: a request that was sent again is out, whatever else was said about it.
        var resolution: LetterResolution? { resolutions.first { $0.kind == .redriven } ?? resolutions.first }
        var isOpen: Bool { resolutions.isEmpty }
        /// For people and for scripts: `open`, `redriven` or `discarded`.
        var state: String { resolution?.kind.rawValue ?? "open" }
    }

    private var letters: [LetterID: Letter] = [:]
    private var resolutions: [LetterID: [LetterResolution]] = [:]

    mutating func take(_ record: KafkaRecord) {
        if let resolution = LetterResolution(record) {
            resolutions[resolution.letter, default: []].append(resolution)
        } else {
            let letter = Letter(record)
            letters[letter.id] = letter
        }
    }

    /// Every letter once, in the order of their ids.
    var entries: [Entry] {
        var entries: [Entry] = []
        var firsts: [Letter.Origin: Int] = [:]
        for letter in letters.values.sorted(by: { $0.id < $1.id }) {
            let marks = resolutions[letter.id] ?? []
            if let origin = letter.origin {
                if let first = firsts[origin] {
                    entries[first].repeats.append(letter.id)
                    entries[first].resolutions += marks
                    continue
                }
                firsts[origin] = entries.count
            }
            entries.append(Entry(letter: letter, resolutions: marks))
        }
        return entries
    }
}
