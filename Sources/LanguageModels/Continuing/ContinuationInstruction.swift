/// The words that ask a model to go on with an answer that it cannot be made to go on with otherwise.
enum ContinuationInstruction {
    /// How many characters of the answer's end are quoted at most.
    private static let longestQuote = 60

    /// The instruction behind an answer that ends with `said`.
    ///
    /// It asks for the last words again: an answer that begins with them shows exactly where it goes on, be it within a
    /// word, and the repetition is taken out.
    static func text(after said: String) -> String {
        """
        Your last message was cut off by a technical interruption before it was complete. Write the rest of it. \
        Begin by repeating its last words exactly as they are, which are: "\(quote(of: said))" and go straight on from there. \
        Do not start over, do not comment on the interruption, and do not write anything else.
        """
    }

    /// The end of `said`, from the beginning of a word if one is near.
    static func quote(of said: String) -> String {
        let end = said.suffix(longestQuote)
        guard end.startIndex != said.startIndex, let space = end.firstIndex(where: \.isWhitespace) else {
            return String(end)
        }
        let words = end[space...].drop(while: \.isWhitespace)
        return String(words.isEmpty ? end : words)
    }
}
