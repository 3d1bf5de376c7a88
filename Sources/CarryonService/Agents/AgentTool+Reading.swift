import Conversation
import HTTPTools
import LanguageModels

extension AgentTool {
    private static let keys = [
        "name", "description", "input", "inputFile", "http", "external", "approval", "doubt", "timeout",
        "readOnly",
    ]

    init(_ node: AgentNode, _ source: AgentFileSource) throws(AgentFileError) {
        let members = try AgentMapping(node, keys: Self.keys)
        name = try members.required("name").value(accepts: "1 to 64 of the characters a-z, A-Z, 0-9, '_' and '-'") {
            Self.isName($0) ? $0 : nil
        }
        description = try members.required("description").nonemptyText()
        input = try Self.input(members, source)
        execution = try Self.execution(members, source)
        if execution == .external {
            // Whoever answers the call decides these.
            for key in ["approval", "doubt", "timeout", "readOnly"] {
                if let node = members[key] {
                    throw node.refused(.notAllowed, "has no meaning for a tool that is answered from outside")
                }
            }
        }
        if let node = members["approval"] { approval = try Self.approval(node) }
        if let node = members["doubt"] { doubt = try node.choice() }
        if let node = members["timeout"] { timeout = try node.duration() }
        if let node = members["readOnly"] { isReadOnly = try node.boolean() }
    }

    /// What every provider takes as a tool's name.
    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func input(
        _ members: AgentMapping, _ source: AgentFileSource
    ) throws(AgentFileError) -> JSONSchema {
        let (key, node) = try members.requiredOneOf(["input", "inputFile"])
        guard key == "inputFile" else { return try node.schema() }
        let (content, path) = try node.content(from: source)
        guard let root = try AgentNode.root(of: content, file: path, key: node.key) else {
            throw node.refused(.malformedValue, "names the file \(path), which is empty; it accepts a JSON schema")
        }
        return try root.schema()
    }

    private static func execution(
        _ members: AgentMapping, _ source: AgentFileSource
    ) throws(AgentFileError) -> Execution {
        let isExternal = try members["external"]?.boolean() ?? false
        switch (members["http"], isExternal) {
        case (let node?, false): return .http(try HTTPEndpoint(node, source))
        case (nil, true): return .external
        case (let node?, true):
            throw node.refused(.notAllowed, "cannot stand beside external: true; a tool accepts one of the two")
        case (nil, false):
            throw members.owner.refused(.missingKey, "lacks who carries it out: http, or external: true")
        }
    }

    private static func approval(_ node: AgentNode) throws(AgentFileError) -> Approval {
        let accepts = "never, always, or {when: a JSON schema of the inputs that need it}"
        if node.isMap {
            return .when(try AgentMapping(node, keys: ["when"]).required("when").schema())
        }
        return try node.value(accepts: accepts) { ["never": .never, "always": .always][$0] }
    }
}

extension HTTPEndpoint {
    init(_ node: AgentNode, _ source: AgentFileSource) throws(AgentFileError) {
        let members = try AgentMapping(node, keys: ["url", "method", "headers", "timeout", "maxResponseBytes"])
        let urlNode = try members.required("url")
        let url = try urlNode.nonemptyText(accepts: "an http or https address")
        _ = try Self.make(at: urlNode, url: url)
        var headers: [Header] = []
        for (name, value, _) in try members["headers"]?.members(accepts: "a map of headers") ?? [] {
            let header = Header(name, try Self.headerValue(value, source))
            // By itself, so that the place of the one that cannot be used is known.
            _ = try Self.make(at: value, url: url, headers: [header])
            headers.append(header)
        }
        self = try Self.make(
            at: node, url: url, method: members["method"]?.choice() ?? .post, headers: headers,
            timeout: members["timeout"]?.duration() ?? .seconds(30),
            maximumResponseBytes: members["maxResponseBytes"].map(Self.byteCount) ?? 1 << 20)
    }

    private static func make(
        at node: AgentNode, url: String, method: Method = .post, headers: [Header] = [],
        timeout: Duration = .seconds(30), maximumResponseBytes: Int = 1 << 20
    ) throws(AgentFileError) -> HTTPEndpoint {
        do {
            return try HTTPEndpoint(
                url: url, method: method, headers: headers, timeout: timeout,
                maximumResponseBytes: maximumResponseBytes)
        } catch {
            throw node.refused(.malformedValue, "cannot be used: \(error.message)")
        }
    }

    private static func byteCount(_ node: AgentNode) throws(AgentFileError) -> Int {
        try node.value(accepts: Quantity.byteCountForm) { Quantity.byteCount($0).flatMap { $0 > 0 ? $0 : nil } }
    }

    /// A text, in which variables stand for their values, or a file that holds the value.
    private static func headerValue(
        _ node: AgentNode, _ source: AgentFileSource
    ) throws(AgentFileError) -> String {
        if node.isMap {
            let path = try AgentMapping(node, keys: ["file"]).required("file")
            return try path.content(from: source).text.trimmed
        }
        return try source.expanding(node.text(accepts: "a text, or {file: the path of a file}"), at: node)
    }
}
