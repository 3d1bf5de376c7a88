import ChatAgent
import Conversation
import Synchronization

/// Counts what tools really did.
final class Executions: Sendable {
    private struct State {
        var calls: [String] = []
        var running = 0
        var peak = 0
    }

    private let state = Mutex(State())

    /// The calls that were carried out, in the order in which they began.
    var calls: [String] { state.withLock { $0.calls } }
    /// How many calls ran at once at most.
    var peak: Int { state.withLock { $0.peak } }
    var running: Int { state.withLock { $0.running } }

    func count(_ call: String) -> Int { calls.count { $0 == call } }

    func begin(_ call: String) {
        state.withLock { state in
            state.calls.append(call)
            state.running += 1
            state.peak = max(state.peak, state.running)
        }
    }

    func end() {
        state.withLock { $0.running -= 1 }
    }
}

extension Tool {
    /// Takes an id, and gives it back.
    static func echo(
        _ executions: Executions, name: String = "echo", approval: Approval = .never, timeout: Duration = .seconds(60),
        doubt: Doubt = .reportUnknown, body: @escaping Body = { ["done": .string($0.id)] }
    ) throws -> Tool {
        Tool(
            name, description: "Gives back what it takes.", input: try .id, approval: approval, timeout: timeout,
            doubt: doubt
        ) { call in
            executions.begin(call.id)
            defer { executions.end() }
            return try await body(call)
        }
    }

    static func ask() throws -> Tool { .external("ask", description: "Asks a person.", input: try .id) }
}

extension JSONSchema {
    /// An object with a string `id`.
    static var id: JSONSchema {
        get throws {
            try JSONSchema([
                "type": "object", "properties": ["id": ["type": "string"]], "required": ["id"],
            ])
        }
    }
}
