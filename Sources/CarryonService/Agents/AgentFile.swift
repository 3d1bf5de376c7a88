package import ChatAgent
package import Conversation
package import HTTPTools
package import LanguageModels

/// An agent as a YAML file describes it: read, checked, and with its secrets in place.
package struct AgentFile: Sendable, Equatable {
    /// Where it was read.
    package let path: String
    package var name = "assistant"
    /// `nil`: the model that the settings name.
    package var model: ModelChoice?
    /// Instructions that come before every conversation.
    package var system: String?
    /// How often the model is asked at most for one answer.
    package var maximumSteps = 20
    package var onBusy = BusyPolicy.queue
    /// In the file's order.
    package var tools: [AgentTool] = []
    package var compaction: AgentCompaction?
    package var retry = RetryPolicy.standard
    /// Secret: every file that was read for it, by its path, so that the same agent can be made elsewhere.
    package internal(set) var contents: [String: String] = [:]

    init(path: String) { self.path = path }
}

/// A tool that an agent's file describes.
package struct AgentTool: Sendable, Equatable {
    /// Who carries a call out.
    package enum Execution: Sendable, Equatable {
        case http(HTTPEndpoint)
        case external
    }

    /// Whether somebody has to allow a call.
    package enum Approval: Sendable, Equatable {
        case never
        case always
        /// If the call's input keeps to the schema.
        case when(JSONSchema)
    }

    /// What is done about a call whose run died.
    package enum Doubt: String, Sendable, CaseIterable {
        case report
        case runAgain
    }

    package let name: String
    package var description: String
    package var input: JSONSchema
    package var execution: Execution
    package var approval = Approval.never
    package var doubt = Doubt.report
    package var timeout = Duration.seconds(60)
    /// Whether a call changes nothing outside, so that a replay may make it.
    package var isReadOnly = false
}

/// When an agent's histories are summarised.
package struct AgentCompaction: Sendable, Equatable {
    package var limit: CompactionPolicy.Limit
    /// How many of the latest messages stay as they are.
    package var keep = 4
}
