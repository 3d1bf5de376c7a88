import ChatAgent
import Conversation
import LanguageModels
import Synchronization

/// What an agent was told and asked, in order.
final class Journal: Sendable {
    enum Entry: Sendable {
        case recovery(RecoveryBootEvent)
        case boot(BootEvent)
        case start(TurnStartEvent)
        case prompt(session: String, turn: Int, ModelRequest)
        case complete(TurnCompleteEvent)
        case note(String)

        /// The kind of the entry, with the turn it is about.
        var word: String {
            switch self {
            case .recovery(let event): "recovery \(event.identity.turn)"
            case .boot(let event): "boot \(event.identity.turn)"
            case .start(let event): "start \(event.identity.turn)"
            case .prompt(_, let turn, _): "model \(turn)"
            case .complete(let event): "complete \(event.identity.turn)"
            case .note(let note): note
            }
        }
    }

    private let state = Mutex<[Entry]>([])

    func add(_ entry: Entry) {
        state.withLock { $0.append(entry) }
    }

    var entries: [Entry] { state.withLock { $0 } }
    var words: [String] { entries.map(\.word) }
    var recoveries: [RecoveryBootEvent] {
        entries.compactMap { if case .recovery(let event) = $0 { event } else { nil } }
    }
    var starts: [TurnStartEvent] { entries.compactMap { if case .start(let event) = $0 { event } else { nil } } }
    var completes: [TurnCompleteEvent] {
        entries.compactMap { if case .complete(let event) = $0 { event } else { nil } }
    }
    var prompts: [ModelRequest] {
        entries.compactMap { if case .prompt(_, _, let request) = $0 { request } else { nil } }
    }

    /// How often the model was asked in a turn.
    func calls(of session: String, turn: Int) -> Int {
        entries.count { if case .prompt(session, turn, _) = $0 { true } else { false } }
    }
}
