import ChatAgent
import Conversation
import HTTPTools
import LanguageModels

/// The agent that a file describes.
struct ConfiguredAgent: ChatAgent {
    let name: String
    let onBusy: BusyPolicy
    let compaction: CompactionPolicy?
    private let model: any LanguageModel
    private let system: String?
    private let maximumSteps: Int
    private let retry: RetryPolicy
    private let toolSet: ToolSet

    /// - Parameter model: answers every turn, and summarises.
    init(_ file: AgentFile, model: any LanguageModel) {
        name = file.name
        onBusy = file.onBusy
        compaction = file.compaction.map { compaction in
            let summarizer = Summarizer(model: model, retry: file.retry)
            return CompactionPolicy(limit: compaction.limit, keep: compaction.keep) { messages, _ in
                try await summarizer.summary(of: messages)
            }
        }
        self.model = model
        system = file.system
        maximumSteps = file.maximumSteps
        retry = file.retry
        toolSet = ToolSet(file.tools.map(\.tool))
    }

    func tools(for turn: TurnIdentity) async throws -> ToolSet { toolSet }

    func run(_ turn: Turn) async throws {
        try await turn.respond(with: model, system: system, maximumSteps: maximumSteps, retry: retry)
    }
}

extension AgentTool {
    /// The tool, to be called.
    var tool: Tool {
        var tool =
            switch execution {
            case .external: Tool.external(name, description: description, input: input)
            case .http(let endpoint):
                Tool.http(
                    name, description: description, input: input, endpoint: endpoint, approval: toolApproval,
                    timeout: timeout, doubt: doubt == .runAgain ? .runAgain : .reportUnknown)
            }
        tool.isReadOnly = isReadOnly
        return tool
    }

    private var toolApproval: Tool.Approval {
        switch approval {
        case .never: .never
        case .always: .always
        case .when(let schema): .when { schema.validate($0.input).isEmpty }
        }
    }
}
