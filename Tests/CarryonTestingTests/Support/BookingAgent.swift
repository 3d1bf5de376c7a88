import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels

/// An agent with one tool, `book`, which notes the calls that it carries out, and can tell afterwards.
struct BookingAgent: ChatAgent {
    static let answer = "room 12 is yours"
    static let unknown = "it failed: the outcome of this call is unknown"

    let name = "booking"
    var onBusy = BusyPolicy.queue
    var rooms: [JSON] = [["room": 12]]
    var approval = Tool.Approval.never
    /// Whether the tool looks up what it has done, when it is not known whether a call was.
    var reconciles = true
    var isExternal = false
    /// What the agent says to messages that want to join a turn.
    var takesMessages = true
    let booked = Notes<String>()

    func tools(for turn: TurnIdentity) async throws -> ToolSet {
        let schema = try JSONSchema(["type": "object", "required": ["room"]])
        if isExternal { return [.external("book", description: "Books a room.", input: schema)] }
        let doubt = Tool.Doubt.reconcile { [booked] call in
            booked.all.contains(call.id) ? .done(call.input) : .notDone
        }
        let tool = Tool(
            "book", description: "Books a room.", input: schema, approval: approval,
            doubt: reconciles ? doubt : .reportUnknown
        ) { [booked] call in
            booked.add(call.id)
            return call.input
        }
        return [tool]
    }

    func shouldInject(_ event: SteeringEvent) async throws -> Bool { takesMessages }

    func run(_ turn: Turn) async throws {
        let calls = StubAnswer.toolCalls("book", rooms)
        let model = StubModel { request in
            guard let call = request.call("call-1") else { return calls }
            switch call.state {
            case .outputAvailable: return .text(Self.answer)
            case .outputError: return .text("it failed: \(call.errorText?.prefix { $0 != ":" } ?? "")")
            default: return "as you wish"
            }
        }
        try await turn.respond(with: model)
    }
}
