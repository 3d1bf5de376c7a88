internal import Synchronization

/// A pattern that strings are searched for.
///
/// A `Regex` may not be used by two threads at once; the lock sees to that.
final class SchemaPattern: Sendable {
    let text: String
    private let regex: Mutex<Regex<AnyRegexOutput>>

    /// Longer ones are refused: reading a pattern takes stack in proportion to how deep it is nested.
    static let maximumLength = 1000

    /// `nil` if the pattern cannot be read.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, let regex = try? Regex(text) else { return nil }
        self.text = text
        self.regex = Mutex(
            regex.matchingSemantics(.unicodeScalar).asciiOnlyDigits().asciiOnlyWordCharacters())
    }

    /// Whether the pattern occurs anywhere in a text.
    func occurs(in text: String) -> Bool {
        regex.withLock { regex in
            // Only transforms throw, and a pattern that was read from text has none.
            (try? regex.firstMatch(in: text)) != nil
        }
    }
}
