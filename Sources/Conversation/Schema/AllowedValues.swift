/// `enum` or `const`.
struct AllowedValues: Sendable {
    let keyword: String
    let values: Set<CanonicalJSON>
    /// The values in words, cut off where there are many.
    let phrase: String
}

extension AllowedValues {
    /// How much of the values a violation quotes.
    private static let quotedLength = 200

    init(_ keyword: String, _ values: [JSON]) {
        self.keyword = keyword
        self.values = Set(values.map(CanonicalJSON.init))
        var quoted: [String] = []
        var length = 0
        for value in values {
            let text = value.serializedString
            length += text.utf8.count + 2
            guard length <= Self.quotedLength else { break }
            quoted.append(text)
        }
        let more = values.count - quoted.count
        if more > 0 { quoted.append(quoted.isEmpty ? "the \(more) that the schema lists" : "\(more) more") }
        let list = quoted.joined(separator: ", ")
        phrase = values.count == 1 ? "must be \(list)" : "must be one of: \(list)"
    }
}
