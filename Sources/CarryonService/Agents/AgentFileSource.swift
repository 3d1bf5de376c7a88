/// What an agent's file may refer to: files beside it, and the environment. Keeps what was read.
final class AgentFileSource {
    private let directory: String
    private let environment: [String: String]
    private let readFile: (String) throws -> String
    private(set) var contents: [String: String] = [:]

    /// - Parameter path: the agent's file, whose directory relative paths begin in.
    init(path: String, environment: [String: String], readFile: @escaping (String) throws -> String) {
        directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
        self.environment = environment
        self.readFile = readFile
    }

    /// Reads the file at a path as it stands.
    func read(_ path: String) throws -> String {
        if let content = contents[path] { return content }
        let content = try readFile(path)
        contents[path] = content
        return content
    }

    /// Where a path that stands in the agent's file leads.
    func location(of path: String) -> String { path.hasPrefix("/") ? path : directory + path }

    /// `text` with each `${NAME}` replaced by that variable of the environment.
    func expanding(_ text: String, at node: AgentNode) throws(AgentFileError) -> String {
        var expanded = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            expanded += rest[..<start.lowerBound]
            guard let end = rest[start.upperBound...].firstIndex(of: "}"), end > start.upperBound else {
                throw node.refused(.malformedValue, "has a '${' that no variable's name and '}' follow")
            }
            let name = String(rest[start.upperBound..<end])
            guard let value = environment[name] else {
                throw node.refused(.unsetVariable, "needs the environment variable \(name), which is not set")
            }
            expanded += value
            rest = rest[rest.index(after: end)...]
        }
        return expanded + rest
    }
}
