/// Something that is not as it should be.
struct Finding: Sendable, Hashable, CustomStringConvertible {
    /// What a run of the service must never show.
    enum Kind: String, Sendable, CaseIterable {
        case lost, duplicated, reordered
        /// A history or a reader has something else than was said.
        case changed
        /// A gap, or two readers that disagree.
        case reading
        /// The store is not what one is that is built from the topics alone.
        case store
        /// A committed offset ahead of what is settled.
        case commit
        /// A tool called more often than its policy allows.
        case tools
        /// A run that nothing accounts for, or a budget that was charged for somebody else's death.
        case runs
        /// A request given up without a reason.
        case deadLetter = "dead letter"
        /// The service itself, or the conductor: a worker that ended, a deadline that passed.
        case conduct
    }

    let kind: Kind
    /// Nil if it is nobody's in particular.
    let session: String?
    /// The index of the step in the session's plan, if it is about one.
    let step: Int?
    let subject: String
    let expected: String
    let came: String

    init(_ kind: Kind, _ session: String?, step: Int? = nil, _ subject: String, expected: Any, came: Any) {
        self.kind = kind
        self.session = session
        self.step = step
        self.subject = subject
        self.expected = "\(expected)"
        self.came = "\(came)"
    }

    var description: String {
        let place = session.map { session in " in \(session)" + (step.map { ", step \($0)" } ?? "") } ?? ""
        return "\(kind.rawValue)\(place): \(subject): expected \(expected), but came \(came)."
    }
}
