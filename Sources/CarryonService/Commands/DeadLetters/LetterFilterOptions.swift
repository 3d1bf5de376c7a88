import ArgumentParser
import Conversation
import LanguageModels
import TurnHost

/// Options that say what a letter has to be.
struct LetterFilterOptions: ParsableArguments {
    static let causes = DeadLetter.Cause.allCases.map(\.rawValue)

    @Option(help: "Letters of this session.") var session: String?
    @Option(help: "Letters with this cause: \(Self.causes.joined(separator: ", ")).") var cause: String?
    @Option(help: "Letters set aside at this time or later.") var since: String?
    @Option(help: "Letters set aside before this time.") var until: String?

    func validate() throws {
        if let cause, !Self.causes.contains(cause) {
            throw ValidationError("--cause takes one of \(Self.causes.joined(separator: ", "))")
        }
        _ = try filter(now: 0)
    }

    var isEmpty: Bool { session == nil && cause == nil && since == nil && until == nil }

    /// - Parameter now: milliseconds since 1970.
    func filter(now: Int64) throws -> LetterSelection.Filter {
        LetterSelection.Filter(
            session: session, cause: cause, since: try Self.time(since, "--since", now),
            until: try Self.time(until, "--until", now))
    }

    /// The moment that `text` names; `nil` for no text.
    static func time(_ text: String?, _ option: String, _ now: Int64) throws -> Timestamp? {
        guard let text else { return nil }
        if let moment = Timestamp(rfc3339: text) { return moment }
        guard let ago = Quantity.duration(text) else {
            throw ValidationError(
                "\(option) takes a time such as 2026-01-31T09:30:00Z, or \(Quantity.durationForm) ago")
        }
        let (seconds, attoseconds) = ago.components
        return Timestamp(milliseconds: now - seconds * 1_000 - attoseconds / 1_000_000_000_000_000)
    }
}

/// Options that say which letters something is to be done about: to mean all takes a word for it.
struct LetterSelectionOptions: ParsableArguments {
    @Argument(help: "Letters by their ids.") var ids: [String] = []
    @OptionGroup var filter: LetterFilterOptions
    @Flag(help: "Every letter that nothing was done about yet.") var every = false

    func validate() throws {
        let ways = [!ids.isEmpty, !filter.isEmpty, every].count { $0 }
        guard ways == 1 else {
            throw ValidationError(
                "which letters: either their ids, or --session, --cause, --since and --until, or --every")
        }
        for id in ids where LetterID(id) == nil {
            throw ValidationError("'\(id)' is no letter's id: that is PARTITION-OFFSET, as the list shows it")
        }
    }

    /// - Parameter now: milliseconds since 1970.
    func selection(now: Int64) throws -> LetterSelection {
        ids.isEmpty ? .matching(try filter.filter(now: now)) : .these(ids.compactMap { LetterID($0) })
    }
}
