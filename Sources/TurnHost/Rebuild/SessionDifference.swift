package import SessionStore

/// What a session is in a store, and what it should be by the topics.
package struct SessionDifference: Sendable, Hashable {
    package var session: String
    /// What of the session differs, such as `message 3` or `run 7/1`.
    package var what: String
    /// As the store has it; in short, and without what was said.
    package var stored: String
    /// As the topics have it.
    package var expected: String

    package init(session: String, what: String, stored: String, expected: String) {
        self.session = session
        self.what = what
        self.stored = stored
        self.expected = expected
    }
}

/// Compares a session of a store with the one that was built from the topics.
package struct SessionComparison: Sendable {
    private let session: String
    private var found: [SessionDifference] = []

    private init(_ session: String) {
        self.session = session
    }

    /// - Parameters:
    ///   - topic: where the session's requests come from, with its partition; positions elsewhere are not looked at.
    ///   - storedRuns: the session's runs that ended their turns.
    package static func differences(
        _ id: String, _ stored: StoredSession?, _ storedRuns: [StoredRun], expected: StoredSession?,
        _ expectedRuns: [StoredRun], topic: String, partition: Int32
    ) -> [SessionDifference] {
        var comparison = SessionComparison(id)
        guard let stored else {
            comparison.note(
                "session", "absent", expected.map { "\($0.turns) turns" } ?? "absent", isEqual: expected == nil)
            return comparison.found
        }
        guard let expected else {
            comparison.note("session", "\(stored.turns) turns", "absent", isEqual: false)
            return comparison.found
        }
        comparison.compare(stored, expected) { $0.log.topic == topic && $0.log.partition == partition }
        comparison.compare(storedRuns, expectedRuns)
        return comparison.found
    }

    private mutating func compare(
        _ stored: StoredSession, _ expected: StoredSession, isOfTopic: (LogPosition) -> Bool
    ) {
        note("turns", stored.turns, expected.turns)
        note("next seq", stored.nextSeq, expected.nextSeq)
        note("closed", stored.isClosed, expected.isClosed)
        compareMessages(stored.messages, expected.messages)
        // What the agent keeps may well be secret.
        note(
            "agent's state", "\(stored.state?.count ?? 0) bytes", "\(expected.state?.count ?? 0) bytes",
            isEqual: (stored.state ?? []) == (expected.state ?? []))
        // The log that was settled in last comes first.
        let settled = stored.positions.first(where: isOfTopic)?.offset
        note("settled offset", settled.text, expected.positions.first(where: isOfTopic)?.offset.text ?? "none")
        note(
            "closing event", stored.lastControl.text, expected.lastControl.text,
            isEqual: stored.lastControl == expected.lastControl)
        let missing = expected.appliedAhead.filter { ahead in
            !stored.appliedAhead.contains { isOfTopic($0) && $0.offset == ahead.offset } && ahead.offset > settled ?? -1
        }
        note("applied ahead", "without \(missing.map(\.offset))", "with them", isEqual: missing.isEmpty)
        // A run may have begun and died before it had written anything.
        let (run, written) = (stored.openRuns.last, expected.openRuns.last)
        note(
            "open turn", run?.id ?? "none", written?.id ?? "none",
            isEqual: written.map { $0.turn == run?.turn && $0.run <= run?.run ?? 0 } ?? true)
    }

    private mutating func compareMessages(_ stored: [StoredMessage], _ expected: [StoredMessage]) {
        note("messages", stored.count, expected.count)
        for (index, (one, other)) in zip(stored, expected).enumerated() where one != other {
            note("message \(index)", one.text, other.text, isEqual: false)
        }
    }

    private mutating func compare(_ stored: [StoredRun], _ expected: [StoredRun]) {
        let all = Dictionary(stored.map { ($0.turn, $0) }, uniquingKeysWith: { $1 })
        let others = Dictionary(expected.map { ($0.turn, $0) }, uniquingKeysWith: { $1 })
        for turn in Set(all.keys).union(others.keys).sorted() {
            let (one, other) = (all[turn], others[turn])
            note("turn \(turn)", one.text, other.text, isEqual: one.ending == other.ending)
        }
    }

    private mutating func note<Value: Equatable>(_ what: String, _ stored: Value, _ expected: Value) {
        note(what, "\(stored)", "\(expected)", isEqual: stored == expected)
    }

    private mutating func note(_ what: String, _ stored: String, _ expected: String, isEqual: Bool) {
        guard !isEqual else { return }
        found.append(SessionDifference(session: session, what: what, stored: stored, expected: expected))
    }
}

extension Int64 {
    fileprivate var text: String { "\(self)" }
}

extension Int64? {
    fileprivate var text: String { map(\.text) ?? "none" }
}

extension StoredMessage {
    /// In short, and nothing of what it says.
    fileprivate var text: String { "\(role) \(id), turn \(turn), \(body.count) bytes" }
}

extension StoredEvent? {
    fileprivate var text: String { map { "\($0.control) at seq \($0.seq)" } ?? "none" }
}

extension StoredRun? {
    fileprivate var text: String { map { "run \($0.run): \($0.outcome ?? $0.status.rawValue)" } ?? "none" }

    /// How the run ended its turn: what the topics tell of a run, and not where and how long it ran.
    fileprivate var ending: [String?] {
        guard let self else { return [] }
        return [
            "\(self.turn)/\(self.run)", self.status.rawValue, self.outcome, self.finishReason,
            self.usage.map { String(decoding: $0, as: UTF8.self) }, self.error, "\(self.stopped)", self.requestID,
            "\(self.position.offset)",
        ]
    }
}
