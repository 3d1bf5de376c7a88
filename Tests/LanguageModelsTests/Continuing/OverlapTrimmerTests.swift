import LanguageModels
import TestSupport
import Testing

@Suite("Overlap of a continuation with what was said")
struct OverlapTrimmerTests {
    private func trimmed(_ pieces: [String], after said: String, _ rule: OverlapTrimmer.Rule) -> String {
        var trimmer = OverlapTrimmer(after: said, rule: rule)
        return pieces.reduce(into: "") { $0 += trimmer.take($1) } + trimmer.finish()
    }

    @Test("A repeated end is dropped where a word ends, or if it is long")
    func repetition() {
        let said = "The quick brown fox jum"
        let cases = [
            ("fox jumps over", "ps over"), ("The quick brown fox jumps over", "ps over"), (said, ""),
            ("\n brown fox jumps", "ps"), ("jumps", "ps"), ("jum ps", " ps"), ("ps over", " ps over"),
            ("THE quick", " THE quick"), (" ps", " ps"), ("", ""), ("The quick", " The quick"), (", over", ", over"),
        ]
        for (output, rest) in cases {
            #expect(trimmed([output], after: said, .repetition) == rest, "\(output)")
        }
        #expect(trimmed(["a dog"], after: "I saw a", .repetition) == " dog")
        #expect(trimmed(["apple"], after: "I saw a", .repetition) == " apple")
        #expect(trimmed(["a dog"], after: "I saw a ", .repetition) == "dog")
        #expect(trimmed(["本語です"], after: "これは日本語", .repetition) == "です")
        #expect(trimmed(["です"], after: "これは日本語", .repetition) == "です")
    }

    @Test("A model that goes on by itself may say the last words again, but not all of them")
    func echo() {
        let said = "ha ha ha ha ha ha"
        #expect(trimmed([" ha ha"], after: said, .echo) == " ha ha")
        #expect(trimmed([said, " ho"], after: said, .echo) == " ho")
        #expect(trimmed(["short one"], after: "short", .echo) == "short one")
    }

    @Test("Output is held back only as long as it may be a repetition")
    func holding() {
        var trimmer = OverlapTrimmer(after: "The quick brown fox", rule: .repetition)
        #expect(trimmer.take("brown") == "")
        #expect(trimmer.isHolding)
        #expect(trimmer.take(" fo") == "")
        #expect(trimmer.take("g") == " brown fog")
        #expect(!trimmer.isHolding)
        #expect(trimmer.take("brown fox") == "brown fox")
        #expect(trimmer.finish() == "")
    }

    @Test("Cut anywhere, the rest is what the whole output leaves", arguments: 0..<600 as Range<UInt64>)
    func property(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let words = ["a", "ab", "b", " ", "  ", "ab ab", "\n", ".", "本", "é", "e\u{301}", "x1", "long-winded", ", "]
        func text(_ count: Int) -> String {
            (0..<count).compactMap { _ in words.randomElement(using: &generator) }.joined()
        }
        let said = text(Int.random(in: 0...12, using: &generator))
        var output = text(Int.random(in: 0...6, using: &generator))
        if Int.random(in: 0..<3, using: &generator) > 0 {
            output = String(said.unicodeScalars.suffix(Int.random(in: 0...30, using: &generator))) + output
        }
        for rule in [OverlapTrimmer.Rule.echo, .repetition] {
            var trimmer = OverlapTrimmer(after: said, rule: rule)
            var rest = ""
            var scalars = output.unicodeScalars[...]
            while !scalars.isEmpty {
                let count = Int.random(in: 1...4, using: &generator)
                rest += trimmer.take(String(scalars.prefix(count)))
                scalars = scalars.dropFirst(count)
            }
            rest += trimmer.finish()
            let expected = Self.naive(said, output, rule)
            #expect(
                Array(rest.unicodeScalars) == Array(expected.unicodeScalars), "seed \(seed), \(rule): \(said)|\(output)"
            )
        }
    }

    /// Tries every repetition, the longest first.
    private static func naive(_ said: String, _ output: String, _ rule: OverlapTrimmer.Rule) -> String {
        let said = Array(said.unicodeScalars)
        let whole = Array(output.unicodeScalars)
        let isSpace = { (scalar: Unicode.Scalar) in scalar.properties.isWhitespace }
        let isWord = { (scalar: Unicode.Scalar) in
            scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        }
        let isSpaced = { (scalar: Unicode.Scalar) in isWord(scalar) && scalar.value < 0x2E80 }
        let content = rule == .echo ? whole : Array(whole.drop(while: isSpace))
        for start in said.indices {
            let suffix = said[start...]
            guard content.starts(with: suffix) else { continue }
            let rest = content.dropFirst(suffix.count)
            switch rule {
            case .echo:
                guard start == 0, suffix.count >= 16 else { continue }
            case .repetition:
                let beginsWord =
                    start == 0 || isSpace(said[start - 1]) || (isWord(said[start]) && !isSpaced(said[start]))
                let isWithinWord = rest.first.map(isSpaced) == true && said.last.map(isSpaced) == true
                guard !isSpace(said[start]), beginsWord, suffix.count >= 3 || !isWithinWord else { continue }
            }
            return String(String.UnicodeScalarView(rest))
        }
        guard rule == .repetition, let last = said.last, let first = whole.first, isSpaced(last), isSpaced(first) else {
            return output
        }
        return " " + output
    }
}
