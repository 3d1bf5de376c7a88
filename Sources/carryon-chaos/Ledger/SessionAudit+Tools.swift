import Conversation
import SessionStore

extension SessionAudit {
    /// A call is carried out as often as its tool's policy allows, by what its outcome says.
    mutating func checkTools() {
        var expected: [String: (call: Answer.Call, runs: Int, request: SentRequest)] = [:]
        var answer = Answer()
        for request in evidence.requests where request.role.isTurn {
            guard let complete = complete(request) else { continue }
            if case .approval = request.role {} else { answer = Answer() }
            answer.apply(chunks[complete.turn] ?? [])
            let runs = max(1, runs[complete.turn]?.count ?? 1)
            for call in answer.calls {
                let earlier = expected[call.id]?.runs ?? 0
                expected[call.id] = (call, earlier + runs, request)
            }
        }
        for (id, (call, runs, request)) in expected.sorted(by: { $0.key < $1.key }) {
            let allowed = Self.allowed(call, runs: runs)
            let executions = evidence.executions[id] ?? 0
            if !allowed.contains(executions) {
                find(
                    .tools, request, "how often \(call.tool) was carried out for \(id), which came to \(call.state)",
                    expected: "\(allowed.lowerBound) to \(allowed.upperBound)", came: executions)
            }
        }
        for (id, executions) in evidence.executions.sorted(by: { $0.key < $1.key }) where expected[id] == nil {
            // What a dead run's last moment called, and no later run told its readers of.
            let isPossible = evidence.runs.contains { $0.status == .interrupted } && executions == 1
            if !isPossible { find(.tools, nil, "calls that no reader knows of", expected: "none", came: id) }
        }
    }

    private static func allowed(_ call: Answer.Call, runs: Int) -> ClosedRange<Int> {
        let tool = ChaosTool(rawValue: call.tool) ?? .charge
        switch call.state {
        case .done: return 1...(tool.runsAgainInDoubt ? runs : 1)
        case .failed: return 0...(tool.runsAgainInDoubt ? runs : 1)
        case .denied, .asked: return 0...0
        // Of an answer that was left in the middle.
        case .open, .answered: return 0...(tool.runsAgainInDoubt ? runs : 1)
        }
    }
}
