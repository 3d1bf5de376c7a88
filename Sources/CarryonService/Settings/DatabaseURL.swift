import Foundation

/// What may be shown of the URL of a database.
enum DatabaseURL {
    /// The text with every password in it hidden; a text that is no URL stays as it is.
    ///
    /// Rather too much is hidden than too little: a password may hold characters that a well-formed URL has encoded, and
    /// is still not to be shown.
    static func hidingPasswords(in text: String) -> String {
        guard let scheme = text.range(of: "://") else { return text }
        var rest = String(text[scheme.upperBound...])
        if let colon = rest.firstIndex(of: ":"), let at = rest.lastIndex(of: "@"), colon < at {
            rest.replaceSubrange(rest.index(after: colon)..<at, with: hidden)
        }
        guard let question = rest.lastIndex(of: "?") else { return text[..<scheme.upperBound] + rest }
        let parameters = rest[rest.index(after: question)...].split(separator: "&", omittingEmptySubsequences: false)
        let shown = parameters.map { parameter in
            let name = parameter.prefix { $0 != "=" }
            let decoded = (String(name).removingPercentEncoding ?? "password").lowercased()
            return decoded.contains("password") ? "\(name)=\(hidden)" : String(parameter)
        }
        return text[..<scheme.upperBound] + rest[...question] + shown.joined(separator: "&")
    }

    static let hidden = "••••"
}
