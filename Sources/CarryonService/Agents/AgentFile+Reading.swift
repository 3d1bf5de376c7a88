import ChatAgent
import Conversation
import LanguageModels

extension AgentFile {
    /// Reads an agent's file and everything that it refers to.
    ///
    /// - Parameters:
    ///   - path: the YAML file. What it refers to is looked for from its directory on.
    ///   - environment: where the variables in header values are looked up.
    ///   - readFile: the content of the file at a path.
    /// - Throws: ``AgentFileError`` for the first thing that is refused, with its place.
    package static func read(
        path: String, environment: [String: String], readFile: @escaping (String) throws -> String
    ) throws(AgentFileError) -> AgentFile {
        let source = AgentFileSource(path: path, environment: environment, readFile: readFile)
        let content: String
        do {
            content = try source.read(path)
        } catch {
            throw AgentFileError(
                code: .unreadableFile, key: "", file: path, line: nil, column: nil,
                message: "cannot be read: \(error.systemReason)")
        }
        var file = AgentFile(path: path)
        if let root = try AgentNode.root(of: content, file: path), !root.isNothing {
            try file.fill(from: AgentMapping(root, keys: keys), source)
        }
        file.contents = source.contents
        return file
    }

    private static let keys = [
        "name", "model", "system", "systemFile", "maxSteps", "onBusy", "tools", "compaction", "retry",
    ]

    private mutating func fill(from root: AgentMapping, _ source: AgentFileSource) throws(AgentFileError) {
        if let node = root["name"] { name = try node.nonemptyText() }
        if let node = root["model"] { model = try Self.model(node) }
        switch try root.oneOf(["system", "systemFile"]) {
        case ("system", let node)?: system = try node.nonemptyText()
        case (_, let node)?: system = try node.content(from: source).text
        case nil: break
        }
        if let node = root["maxSteps"] { maximumSteps = try node.number(1...1000) }
        if let node = root["onBusy"] { onBusy = try node.choice() }
        if let node = root["tools"] { tools = try Self.tools(node, source) }
        if let node = root["compaction"] { compaction = try AgentCompaction(node) }
        if let node = root["retry"] { retry = try RetryPolicy(node) }
    }

    private static func model(_ node: AgentNode) throws(AgentFileError) -> ModelChoice {
        let kind = SettingKind<ModelChoice>.model
        let text = try node.text(accepts: kind.accepts)
        do {
            if let choice = try kind.parse(text) { return choice }
        } catch {
            throw node.refused(.malformedValue, (error as? Refusal)?.reason ?? "cannot be read")
        }
        throw node.refused(.malformedValue, "is \"\(text)\"; it accepts \(kind.accepts)")
    }

    private static func tools(_ node: AgentNode, _ source: AgentFileSource) throws(AgentFileError) -> [AgentTool] {
        var tools: [AgentTool] = []
        for element in try node.elements(accepts: "a list of tools") {
            let tool = try AgentTool(element, source)
            if let earlier = tools.firstIndex(where: { $0.name == tool.name }) {
                throw element.refused(
                    .givenTwice,
                    "has the name \(tool.name), which tools[\(earlier)] has already; each name is given once")
            }
            tools.append(tool)
        }
        return tools
    }
}

extension AgentNode {
    /// The file that a path leads to.
    func content(from source: AgentFileSource) throws(AgentFileError) -> (text: String, path: String) {
        let path = source.location(of: try nonemptyText(accepts: "the path of a file"))
        do {
            return (try source.read(path), path)
        } catch {
            throw refused(.unreadableFile, "names the file \(path), which cannot be read: \(error)")
        }
    }
}

extension AgentCompaction {
    init(_ node: AgentNode) throws(AgentFileError) {
        let members = try AgentMapping(node, keys: ["messages", "tokens", "keep"])
        let limit = try members.requiredOneOf(["messages", "tokens"])
        let most = try limit.value.number(1...1_000_000_000)
        self.limit = limit.key == "messages" ? .messages(most) : .tokens(most)
        guard let kept = members["keep"] else { return }
        keep = try kept.number(0...1_000_000)
        guard limit.key == "tokens" || keep < most else {
            throw kept.refused(.notAllowed, "keeps as many messages as there may be; it accepts less than \(most)")
        }
    }
}

extension RetryPolicy {
    init(_ node: AgentNode) throws(AgentFileError) {
        self = .standard
        let members = try AgentMapping(
            node, keys: ["attempts", "firstDelay", "factor", "maximumDelay", "longestServerDelay", "jitter"])
        if let node = members["attempts"] { attempts = try node.number(1...100) }
        if let node = members["firstDelay"] { firstDelay = try node.duration(isZeroAllowed: true) }
        if let node = members["factor"] { factor = try node.decimal(1...100) }
        if let node = members["maximumDelay"] { maximumDelay = try node.duration(isZeroAllowed: true) }
        if let node = members["longestServerDelay"] { longestServerDelay = try node.duration(isZeroAllowed: true) }
        if let node = members["jitter"] { jitter = try node.decimal(0...1) }
    }
}
