/// Where sessions are kept.
package enum StoreLocation: Sendable, Hashable {
    case sqlite(path: String)
    /// The URL goes to libpq as it is, and may hold a password.
    case postgres(url: String)
}

extension StoreLocation: CustomStringConvertible, CustomReflectable {
    var text: String {
        switch self {
        case .sqlite(let path): "sqlite:\(path)"
        case .postgres(let url): url
        }
    }

    /// Without a password.
    package var description: String { DatabaseURL.hidingPasswords(in: text) }

    package var customMirror: Mirror { Mirror(self, children: [(label: nil, value: description)]) }
}

/// Which language model answers.
package enum ModelChoice: Sendable, Hashable {
    case scripted
    /// A model of that name behind OpenAI's chat completions, or behind a server that speaks them.
    case openAI(String)
    /// A model of that name behind Anthropic's messages API.
    case anthropic(String)
}

/// What becomes of an answer that its host's death cut short, when nothing else is waiting.
package enum RecoveryChoice: String, Sendable, Hashable, CaseIterable {
    /// The next run goes on with the same message.
    case continueAnswer = "continue"
    /// The turn is settled with what there is.
    case settle
}

/// How log lines are written.
package enum LogFormat: String, Sendable, Hashable, CaseIterable {
    case text, json
}
