import ChatAgent
import HTTPTools
import LanguageModels

extension AgentFile {
    /// What is in force of it, secrets hidden.
    package func describe() -> [DescribedSetting] {
        var rows = [
            row("name", name, "the agent's name"),
            row(
                "model", model.map(SettingKind<ModelChoice>.model.text) ?? "as CARRYON_MODEL",
                "the language model, unless CARRYON_MODEL is set"),
            row("system", system.map(Self.firstLine) ?? "", "instructions that come before every conversation"),
            row("maxSteps", "\(maximumSteps)", "how often the model is asked at most for one answer"),
            row("onBusy", onBusy.rawValue, "what becomes of a message that comes while a turn runs"),
            row("compaction", compaction?.description ?? "", "when a history is summarised"),
            row("retry", Self.text(of: retry), "what is done when the model's provider fails"),
        ]
        for tool in tools { rows.append(row("tools.\(tool.name)", tool.summary, Self.firstLine(tool.description))) }
        return rows
    }

    private func row(_ key: String, _ value: String, _ documentation: String) -> DescribedSetting {
        DescribedSetting(
            name: "agent.\(key)", value: value.isEmpty ? "none" : value, source: path, documentation: documentation)
    }

    private static func firstLine(_ text: String) -> String {
        let line = text.trimmed.prefix { !$0.isNewline }.prefix(60)
        return line.count < text.trimmed.count ? "\(line) ..." : String(line)
    }

    private static func text(of retry: RetryPolicy) -> String {
        guard retry.attempts > 1 else { return "none" }
        return "\(retry.attempts) attempts, \(Quantity.text(of: retry.firstDelay)) to "
            + "\(Quantity.text(of: retry.maximumDelay)) apart"
    }
}

extension AgentFile: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// As in ``describe()``: whatever way the file is printed, no secret comes out.
    package var description: String { describe().map { "\($0.name)=\($0.value)" }.joined(separator: " ") }
    package var debugDescription: String { description }
    package var customMirror: Mirror {
        Mirror(self, children: describe().map { (label: $0.name, value: $0.value) }, displayStyle: .struct)
    }
}

extension AgentTool {
    /// Who carries it out, and under which conditions.
    fileprivate var summary: String {
        switch execution {
        case .external: return "answered from outside"
        case .http(let endpoint):
            let names = endpoint.headers.map { "\($0.name): ••••" }
            let conditions =
                [
                    "approval \(approval)", "in doubt \(doubt.rawValue)", "within \(Quantity.text(of: timeout))",
                ] + (isReadOnly ? ["read-only"] : [])
            return (["\(endpoint)"] + names + conditions).joined(separator: ", ")
        }
    }
}

extension AgentTool.Approval: CustomStringConvertible {
    package var description: String {
        switch self {
        case .never: "never"
        case .always: "always"
        case .when(let schema): "when \(schema)"
        }
    }
}

extension AgentCompaction: CustomStringConvertible {
    package var description: String {
        switch limit {
        case .messages(let count): "above \(count) messages, keeping \(keep)"
        case .tokens(let count): "above \(count) tokens, keeping \(keep) messages"
        }
    }
}
