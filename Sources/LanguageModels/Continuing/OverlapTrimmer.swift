/// Takes out of a continuation what it repeats of the text before it.
///
/// The first output is held back until it is clear whether it repeats the end of what was said, or the whole of it; then
/// the longest repetition is dropped, and all further output passes as it is. Pieces may be cut anywhere.
package struct OverlapTrimmer: Sendable {
    /// What counts as a repetition.
    package enum Rule: Sendable, Hashable {
        /// The whole of what was said, if that is long enough not to be the same by chance: of a model that goes on by
        /// itself, where shorter repetitions are its own words.
        case echo
        /// The whole of what was said, or its end from the beginning of a word on: of a model that was asked to repeat
        /// it. It has to end where a word ends, unless it is long. Where nothing is repeated, two words are kept apart.
        case repetition
    }

    /// How long an echo must be at least.
    package static let shortestEcho = 16
    /// From which length on a repetition may end within a word.
    package static let shortestWithinWord = 3
    /// How near the end of what was said a repetition of less than all of it begins.
    package static let window = 2000

    private let rule: Rule
    private let said: [Unicode.Scalar]
    /// Where in what was said the repetitions begin that are still possible.
    private var candidates: [Int]
    private var leadingSpace: [Unicode.Scalar] = []
    private var held: [Unicode.Scalar] = []
    private var overlap = 0
    private var isDecided: Bool

    /// - Parameters:
    ///   - said: what the output follows.
    ///   - rule: what counts as a repetition of it.
    package init(after said: String, rule: Rule) {
        self.rule = rule
        self.said = Array(said.unicodeScalars)
        candidates = Self.starts(in: self.said, rule)
        isDecided = candidates.isEmpty
    }

    /// Whether output is being held back.
    package var isHolding: Bool { !isDecided && !(held.isEmpty && leadingSpace.isEmpty) }

    /// Takes the next output.
    /// - Returns: what may be passed on.
    package mutating func take(_ text: String) -> String {
        if isDecided { return text }
        for scalar in text.unicodeScalars {
            if held.isEmpty, rule == .repetition, scalar.properties.isWhitespace {
                leadingSpace.append(scalar)
            } else {
                narrow(scalar)
            }
        }
        guard candidates.isEmpty else { return "" }
        return decide()
    }

    /// The output has ended.
    /// - Returns: what was held back and is no repetition.
    package mutating func finish() -> String {
        if isDecided { return "" }
        note(next: nil)
        return decide()
    }

    /// Leaves those repetitions that go on with `scalar`.
    private mutating func narrow(_ scalar: Unicode.Scalar) {
        note(next: scalar)
        let position = held.count
        held.append(scalar)
        candidates.removeAll { $0 + position >= said.count || said[$0 + position] != scalar }
    }

    /// Notes the repetition that is complete, if there is one: shorter ones were before it.
    private mutating func note(next: Unicode.Scalar?) {
        guard !held.isEmpty, let start = candidates.first(where: { $0 + held.count == said.count }) else { return }
        if counts(from: start, next: next) { overlap = held.count }
    }

    private func counts(from start: Int, next: Unicode.Scalar?) -> Bool {
        let length = said.count - start
        switch rule {
        case .echo: return length >= Self.shortestEcho
        case .repetition:
            // Scripts without spaces have no ends of words to go by.
            let isWithinWord = next?.isSpacedWordPart == true && said.last?.isSpacedWordPart == true
            return length >= Self.shortestWithinWord || !isWithinWord
        }
    }

    private mutating func decide() -> String {
        isDecided = true
        defer {
            held = []
            candidates = []
        }
        var rest = String.UnicodeScalarView()
        if overlap == 0 {
            if needsSpace { rest.append(" ") }
            rest.append(contentsOf: leadingSpace)
        }
        rest.append(contentsOf: held[overlap...])
        return String(rest)
    }

    /// Whether the output begins with a word of its own right behind another one.
    private var needsSpace: Bool {
        guard rule == .repetition, leadingSpace.isEmpty, let last = said.last, let first = held.first else {
            return false
        }
        return last.isSpacedWordPart && first.isSpacedWordPart
    }

    private static func starts(in said: [Unicode.Scalar], _ rule: Rule) -> [Int] {
        guard let first = said.first else { return [] }
        guard rule == .repetition else { return said.count >= shortestEcho ? [0] : [] }
        let whole = first.properties.isWhitespace ? [] : [0]
        return whole
            + (max(said.count - window, 1)..<max(said.count, 1)).filter { index in
                let scalar = said[index]
                if scalar.properties.isWhitespace { return false }
                return said[index - 1].properties.isWhitespace || !scalar.isSpacedWordPart && scalar.isWordPart
            }
    }
}

extension Unicode.Scalar {
    /// Whether it belongs to a word, in any script.
    var isWordPart: Bool { properties.isAlphabetic || properties.numericType != nil }

    /// Whether it belongs to a word of a script that has spaces between words.
    var isSpacedWordPart: Bool { isWordPart && value < 0x2E80 }
}
