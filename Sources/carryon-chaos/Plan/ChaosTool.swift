/// The tools of the agent that all sessions talk to; the conductor carries them out.
enum ChaosTool: String, Sendable, CaseIterable {
    /// May run as often as it likes.
    case lookup
    /// Must not run twice: a call in doubt is reported to the model as one whose outcome nobody knows.
    case charge
    /// Must not run twice either, and somebody has to allow it.
    case refund

    var runsAgainInDoubt: Bool { self == .lookup }
    var needsApproval: Bool { self == .refund }

    /// The agent's file.
    static func agentFile(url: String) -> String {
        var lines = ["name: chaos", "system: You are the night desk.", "tools:"]
        for tool in allCases {
            lines += [
                "  - name: \(tool.rawValue)", "    description: Says that it did what it was called for.",
                "    input: {type: object, properties: {amount: {type: integer, minimum: 1}}, required: [amount]}",
                "    http: {url: \"\(url)/\(tool.rawValue)\"}",
                "    doubt: \(tool.runsAgainInDoubt ? "runAgain" : "report")",
                "    approval: \(tool.needsApproval ? "always" : "never")",
            ]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
