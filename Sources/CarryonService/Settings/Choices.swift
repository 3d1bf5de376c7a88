/// Where sessions are kept.
package enum StoreLocation: Sendable, Hashable {
    case sqlite(path: String)
}

/// Which language model answers.
package enum ModelChoice: Sendable, Hashable {
    case scripted
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
