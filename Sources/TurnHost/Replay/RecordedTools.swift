import ChatAgent
import Conversation
import Synchronization

/// Gives back what calls of tools came to when they were recorded, instead of making them again.
final class RecordedTools: Sendable {
    private struct Call: Hashable {
        var name: String
        var input: String
    }

    private let outcomes: Mutex<[Call: [ToolPart]]>

    init(_ parts: [Part]) {
        var outcomes: [Call: [ToolPart]] = [:]
        for case .tool(let part) in parts where part.isSettled {
            outcomes[Call(name: part.toolName, input: part.input?.sortedString ?? ""), default: []].append(part)
        }
        self.outcomes = Mutex(outcomes)
    }

    /// The tools of a turn, with recorded outcomes for all that is not declared read-only. What was not recorded is an
    /// error to the model.
    func replaying(_ tools: ToolSet) -> ToolSet {
        let replayed = tools.tools.map { tool -> Tool in
            guard case .local = tool.execution, !tool.isReadOnly else { return tool }
            var tool = tool
            tool.execution = .local { [self] call in try outcome(of: call) }
            return tool
        }
        return ToolSet(replayed, undeclared: tools.undeclared, maximumConcurrency: tools.maximumConcurrency)
    }

    /// The calls with the same input come back in the order in which they were made.
    private func outcome(of call: ToolCall) throws -> JSON {
        let key = Call(name: call.toolName, input: call.input.sortedString)
        let part = outcomes.withLock { outcomes -> ToolPart? in
            guard let known = outcomes[key], let first = known.first else { return nil }
            if known.count > 1 { outcomes[key] = Array(known.dropFirst()) }
            return first
        }
        switch part?.state {
        case .outputAvailable: return part?.output ?? .null
        case .outputError: throw ToolError(part?.errorText ?? "the call failed")
        default:
            throw ToolError("the tool \(call.toolName) was not called with this input when the turn was recorded")
        }
    }
}
