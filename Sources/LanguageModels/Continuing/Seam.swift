/// Where a continuation meets what was said before it.
struct Seam: Sendable {
    private var overlap: OverlapTrimmer
    /// White space that was said, and that the model was not shown: it will write it again.
    private var tail: Substring.UnicodeScalarView

    /// - Parameters:
    ///   - said: what the model was shown.
    ///   - tail: white space that was said behind it.
    ///   - rule: what of its output counts as a repetition.
    init(after said: String, tail: Substring = "", rule: OverlapTrimmer.Rule) {
        overlap = OverlapTrimmer(after: said, rule: rule)
        self.tail = tail.unicodeScalars
    }

    /// Whether output is being held back.
    var isHolding: Bool { overlap.isHolding }

    /// Takes the next output.
    /// - Returns: what of it goes on with what was said.
    mutating func take(_ text: String) -> String { behindTail(overlap.take(text)) }

    /// The output has ended.
    mutating func finish() -> String { behindTail(overlap.finish()) }

    private mutating func behindTail(_ text: String) -> String {
        guard !tail.isEmpty, !text.isEmpty else { return text }
        var rest = text.unicodeScalars[...]
        while let expected = tail.first, let scalar = rest.first {
            guard scalar == expected else {
                tail = Substring.UnicodeScalarView()
                break
            }
            tail.removeFirst()
            rest.removeFirst()
        }
        return String(rest)
    }
}
