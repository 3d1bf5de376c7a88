/// What was taken out of a text and what was put in, word by word.
struct WordDifference: Sendable, Hashable {
    enum Kind: String, Sendable { case same, removed, added }

    struct Segment: Sendable, Hashable {
        var kind: Kind
        /// Words with the white space in front of them.
        var text: String
    }

    /// Texts of more words than this together are told whole: to compare them takes too long.
    private static let largest = 20_000

    private(set) var segments: [Segment] = []

    init(from old: String, to new: String) {
        let (before, after) = (Self.words(old), Self.words(new))
        guard before.count + after.count <= Self.largest else {
            append(old == new ? .same : .removed, old)
            if old != new { append(.added, new) }
            return
        }
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in after.difference(from: before) {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var (one, other) = (0, 0)
        while one < before.count || other < after.count {
            if removed.contains(one), one < before.count {
                append(.removed, before[one])
                one += 1
            } else if added.contains(other), other < after.count {
                append(.added, after[other])
                other += 1
            } else {
                append(.same, after[other])
                one += 1
                other += 1
            }
        }
    }

    /// Segments of one kind side by side are one.
    private mutating func append(_ kind: Kind, _ text: some StringProtocol) {
        guard !text.isEmpty else { return }
        if segments.last?.kind == kind {
            segments[segments.count - 1].text += text
        } else {
            segments.append(Segment(kind: kind, text: String(text)))
        }
    }

    /// The words, each with the white space in front of it: together they are the text.
    private static func words(_ text: String) -> [Substring] {
        var words: [Substring] = []
        var start = text.startIndex
        var index = start
        var isInWord = false
        while index < text.endIndex {
            let isSpace = text[index].isWhitespace
            if isInWord, isSpace {
                words.append(text[start..<index])
                start = index
            }
            isInWord = !isSpace
            index = text.index(after: index)
        }
        if start < text.endIndex { words.append(text[start...]) }
        return words
    }
}
