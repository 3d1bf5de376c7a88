import CarryonService
import Testing

/// Something in an agent's file that has to be refused.
struct RefusedAgent: Sendable, CustomTestStringConvertible {
    let name: String
    let yaml: String
    let code: AgentFileError.Code
    let key: String
    /// Line and column.
    let place: String
    /// A piece of the sentence.
    let says: String

    var testDescription: String { name }

    init(
        _ name: String, _ yaml: String, _ code: AgentFileError.Code, _ key: String, _ place: String, _ says: String
    ) {
        self.name = name
        self.yaml = yaml
        self.code = code
        self.key = key
        self.place = place
        self.says = says
    }

    /// A file with one tool, of which only these lines differ from a good one.
    static func tool(
        _ name: String, _ lines: String, _ code: AgentFileError.Code, _ key: String, _ place: String, _ says: String
    ) -> RefusedAgent {
        let tool = "tools:\n- name: t\n  description: d\n"
        let body = lines.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
        return RefusedAgent(name, tool + body, code, key.isEmpty ? "tools[0]" : "tools[0].\(key)", place, says)
    }

    static let top = [
        RefusedAgent("not YAML", "name: [a\nmodel: b", .malformedFile, "", "2:6", "is not YAML"),
        RefusedAgent("a key twice", "name: a\nname: b", .malformedFile, "", "1:1", "name is given twice"),
        RefusedAgent("two documents", "name: a\n---\nname: b", .malformedFile, "", "2:1", "is not YAML"),
        RefusedAgent("a list", "- name: a", .wrongType, "", "1:1", "is a list; it accepts a map with the keys name,"),
        RefusedAgent("a text", "assistant", .wrongType, "", "1:1", "is a single value"),
        RefusedAgent(
            "an unknown key", "name: a\n  \nsistem: b", .unknownKey, "sistem", "3:1", "accepts the keys name,"),
        RefusedAgent("a key that is a list", "[a]: b", .malformedFile, "", "1:1", "a key that is not a name"),
        RefusedAgent("a list as name", "name: [a]", .wrongType, "name", "1:7", "is a list; it accepts a text"),
        RefusedAgent("an empty name", "name: ' '", .malformedValue, "name", "1:7", "accepts a text"),
        RefusedAgent("an unknown model", "model: clever", .malformedValue, "model", "1:8", "\"clever\"; it accepts"),
        RefusedAgent(
            "both system and file", "system: a\nsystemFile: b", .notAllowed, "systemFile", "2:13", "beside system"),
        RefusedAgent("no such file", "systemFile: x.md", .unreadableFile, "systemFile", "1:13", "the file etc/x.md"),
        RefusedAgent("no steps", "maxSteps: 0", .malformedValue, "maxSteps", "1:11", "a whole number from 1 to 1000"),
        RefusedAgent("many steps", "maxSteps: 1001", .malformedValue, "maxSteps", "1:11", "is \"1001\""),
        RefusedAgent("broken steps", "maxSteps: 1.5", .malformedValue, "maxSteps", "1:11", "is \"1.5\""),
        RefusedAgent(
            "an unknown policy", "onBusy: wait", .malformedValue, "onBusy", "1:9", "queue, steer, interrupt, reject"),
        RefusedAgent("no limit", "compaction: {keep: 4}", .missingKey, "compaction", "1:13", "messages, tokens"),
        RefusedAgent(
            "two limits", "compaction: {messages: 9, tokens: 9}", .notAllowed, "compaction.tokens", "1:35",
            "one of messages"),
        RefusedAgent(
            "keeps everything", "compaction: {messages: 9, keep: 9}", .notAllowed, "compaction.keep", "1:33",
            "less than 9"),
        RefusedAgent("no attempts", "retry: {attempts: 0}", .malformedValue, "retry.attempts", "1:19", "from 1 to 100"),
        RefusedAgent(
            "a bare delay", "retry: {firstDelay: 5}", .malformedValue, "retry.firstDelay", "1:21", "a duration such"),
        RefusedAgent(
            "a small factor", "retry: {factor: 0.5}", .malformedValue, "retry.factor", "1:17", "from 1.0 to 100.0"),
        RefusedAgent(
            "a wide jitter", "retry: {jitter: 1.1}", .malformedValue, "retry.jitter", "1:17", "from 0.0 to 1.0"),
        RefusedAgent("no number", "retry: {jitter: nan}", .malformedValue, "retry.jitter", "1:17", "is \"nan\""),
        RefusedAgent(
            "a map of tools", "tools: {a: b}", .wrongType, "tools", "1:8", "is a map; it accepts a list of tools"),
        RefusedAgent("a tool that is a text", "tools: [a]", .wrongType, "tools[0]", "1:9", "a map with the keys name,"),
        RefusedAgent(
            "a tool without a name", "tools: [{description: d}]", .missingKey, "tools[0]", "1:9", "the key name"),
        RefusedAgent(
            "a tool with a long name", "tools: [{name: \(String(repeating: "a", count: 65))}]", .malformedValue,
            "tools[0].name", "1:16", "1 to 64"),
        RefusedAgent(
            "a name with a space", "tools: [{name: a b}]", .malformedValue, "tools[0].name", "1:16", "\"a b\""),
        RefusedAgent("no description", "tools: [{name: a}]", .missingKey, "tools[0]", "1:9", "the key description"),
        RefusedAgent(
            "a name twice",
            """
            tools:
            - {name: a, description: d, input: true, external: true}
            - {name: b, description: d, input: true, external: true}
            - {name: a, description: d, input: true, external: true}
            """, .givenTwice, "tools[2]", "4:3", "the name a, which tools[0] has already"),
    ]

    static let tools = [
        tool("no input", "external: true", .missingKey, "", "2:3", "one of the keys input, inputFile"),
        tool("two inputs", "input: true\ninputFile: a", .notAllowed, "inputFile", "5:14", "beside input"),
        tool("nobody", "input: true", .missingKey, "", "2:3", "http, or external: true"),
        tool("neither", "input: true\nexternal: false", .missingKey, "", "2:3", "http, or external: true"),
        tool(
            "both", "input: true\nexternal: true\nhttp: {url: 'http://h'}", .notAllowed, "http", "6:9",
            "beside external: true"),
        tool("external maybe", "input: true\nexternal: maybe", .malformedValue, "external", "5:13", "true or false"),
        tool(
            "external with approval", "input: true\nexternal: true\napproval: always", .notAllowed, "approval", "6:13",
            "answered from outside"),
        tool("an unknown key", "inputs: true", .unknownKey, "inputs", "4:3", "tools[0] accepts the keys name,"),
        tool("a schema that is a text", "input: object", .malformedValue, "input", "4:10", "no JSON schema"),
        tool(
            "a schema with a bad type", "input:\n  type: object\n  properties:\n    a:\n      type: strong",
            .malformedValue, "input", "8:15", "type at /properties/a/type"),
        tool(
            "a schema with a bad element", "input:\n  allOf:\n  - true\n  - minimum: x", .malformedValue, "input",
            "7:16",
            "minimum at /allOf/1/minimum"),
        tool(
            "a schema that is not supported", "input:\n  $dynamicRef: '#a'", .malformedValue, "input", "5:18",
            "$dynamicRef"),
        tool("no schema file", "inputFile: s.json", .unreadableFile, "inputFile", "4:14", "the file etc/s.json"),
        tool("no url", "input: true\nhttp: {method: GET}", .missingKey, "http", "5:9", "the key url"),
        tool("a bad url", "input: true\nhttp: {url: 'h:1'}", .malformedValue, "http.url", "5:15", "http://HOST"),
        tool(
            "an unknown method", "input: true\nhttp: {url: 'http://h', method: FETCH}", .malformedValue, "http.method",
            "5:35", "GET, POST, PUT, PATCH, DELETE"),
        tool(
            "no time", "input: true\nhttp: {url: 'http://h', timeout: 0}", .malformedValue, "http.timeout", "5:36",
            "a duration"),
        tool(
            "no bytes", "input: true\nhttp: {url: 'http://h', maxResponseBytes: 0}", .malformedValue,
            "http.maxResponseBytes", "5:45", "a size"),
        tool(
            "a bad header", "input: true\nhttp:\n  url: http://h\n  headers:\n    A: b\n    B C: hidden",
            .malformedValue,
            "http.headers.B C", "9:12", "not a header's name"),
        tool(
            "a header of two lines", "input: true\nhttp: {url: 'http://h', headers: {A: \"hidden\\nB: c\"}}",
            .malformedValue, "http.headers.A", "5:40", "the header A has a line end"),
        tool(
            "a list of headers", "input: true\nhttp: {url: 'http://h', headers: [a]}", .wrongType, "http.headers",
            "5:36",
            "a map of headers"),
        tool(
            "an unset variable", "input: true\nhttp: {url: 'http://h', headers: {A: 'x ${NONE}'}}", .unsetVariable,
            "http.headers.A", "5:40", "NONE, which is not set"),
        tool(
            "an open variable", "input: true\nhttp: {url: 'http://h', headers: {A: 'x ${NONE'}}", .malformedValue,
            "http.headers.A", "5:40", "'${'"),
        tool(
            "a variable without a name", "input: true\nhttp: {url: 'http://h', headers: {A: '${}'}}", .malformedValue,
            "http.headers.A", "5:40", "'${'"),
        tool(
            "no secret file", "input: true\nhttp: {url: 'http://h', headers: {A: {file: k}}}", .unreadableFile,
            "http.headers.A.file", "5:47", "the file etc/k"),
        tool(
            "an unknown approval", "input: true\nhttp: {url: 'http://h'}\napproval: maybe", .malformedValue, "approval",
            "6:13", "never, always, or {when:"),
        tool(
            "an approval of nothing", "input: true\nhttp: {url: 'http://h'}\napproval: {if: true}", .unknownKey,
            "approval.if", "6:14", "when"),
        tool(
            "an approval with a bad schema", "input: true\nhttp: {url: 'http://h'}\napproval: {when: {type: 5}}",
            .malformedValue, "approval.when", "6:27", "type"),
        tool(
            "an unknown doubt", "input: true\nhttp: {url: 'http://h'}\ndoubt: shrug", .malformedValue, "doubt", "6:10",
            "report, runAgain"),
    ]
}

@Suite("An agent's file: what is refused, and where")
struct AgentFileRefusalTests {
    @Test("Each error names its file, line, column and key", arguments: RefusedAgent.top + RefusedAgent.tools)
    func refusals(agent: RefusedAgent) throws {
        let refusal = #expect(throws: AgentFileError.self) { try readAgent(agent.yaml) }
        let error = try #require(refusal)
        #expect(error.code == agent.code, "\(error)")
        #expect(error.key == agent.key)
        #expect(error.file == "etc/agent.yaml")
        #expect("\(error.line ?? 0):\(error.column ?? 0)" == agent.place, "\(error)")
        #expect(error.message.contains(agent.says), "\(error)")
        #expect(error.description.contains("etc/agent.yaml:\(agent.place)"))
        #expect(!error.description.contains("hidden"))
        #expect(error.description.hasSuffix(".") && !error.description.hasSuffix(".."))
    }

    @Test("A schema in a file of its own is refused at its place there")
    func schemaFile() throws {
        let yaml = "tools: [{name: t, description: d, inputFile: s.json, external: true}]"
        for (content, place) in [("{\n  \"type\": 5\n}", "2:11"), ("{", "2:1"), ("[1]", "1:1")] {
            let refusal = #expect(throws: AgentFileError.self) { try readAgent(yaml, files: ["etc/s.json": content]) }
            let error = try #require(refusal)
            #expect(error.key == "tools[0].inputFile")
            #expect(error.file == "etc/s.json")
            #expect("\(error.line ?? 0):\(error.column ?? 0)" == place, "\(error)")
        }
        let empty = #expect(throws: AgentFileError.self) { try readAgent(yaml, files: ["etc/s.json": ""]) }
        #expect(empty?.file == "etc/agent.yaml")
        #expect(empty?.message.contains("which is empty") == true)
    }

    @Test("A file that is not there is refused by its name")
    func noFile() throws {
        struct NotThere: Error {}
        let error = #expect(throws: AgentFileError.self) {
            try AgentFile.read(path: "none.yaml", environment: [:]) { _ in throw NotThere() }
        }
        #expect(error?.code == .unreadableFile)
        #expect(error?.description.hasPrefix("none.yaml cannot be read") == true)
    }

    @Test("A short file that aliases make endless is refused")
    func aliases() throws {
        var yaml = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...6 {
            yaml += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
        }
        yaml =
            "tools:\n- name: t\n  description: d\n  external: true\n  input:\n"
            + yaml.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        let error = #expect(throws: AgentFileError.self) { try readAgent(yaml) }
        #expect(error?.key == "tools[0].input")
        #expect(error?.message.contains("too large") == true, "\(error?.description ?? "")")
    }
}
