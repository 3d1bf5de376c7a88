import CarryonService
import ChatAgent
import Conversation
import HTTPTools
import LanguageModels
import Testing

/// Reads an agent's file from texts, without a disk.
func readAgent(
    _ yaml: String, environment: [String: String] = [:], files: [String: String] = [:]
) throws -> AgentFile {
    struct NoSuchFile: Error, CustomStringConvertible {
        var description: String { "there is no such file" }
    }
    return try AgentFile.read(path: "etc/agent.yaml", environment: environment) { path in
        guard let content = path == "etc/agent.yaml" ? yaml : files[path] else { throw NoSuchFile() }
        return content
    }
}

@Suite("An agent's file: what it says")
struct AgentFileTests {
    @Test(
        "A file without content is the built-in assistant with its defaults", arguments: ["", "# nothing\n", "---\n"])
    func empty(yaml: String) throws {
        let agent = try readAgent(yaml)
        #expect(agent.name == "assistant")
        #expect(agent.model == nil && agent.system == nil && agent.compaction == nil)
        #expect(agent.maximumSteps == 20)
        #expect(agent.onBusy == .queue)
        #expect(agent.tools.isEmpty)
        #expect(agent.retry == .standard)
    }

    @Test("Every key is read")
    func everything() throws {
        let agent = try readAgent(
            """
            name: concierge
            model: scripted
            system: |
              You are the concierge.
              Be brief.
            maxSteps: 7
            onBusy: steer
            compaction: {tokens: 20000, keep: 6}
            retry: {attempts: 2, firstDelay: 1s, factor: 1.5, maximumDelay: 2m, longestServerDelay: 0, jitter: 0}
            tools:
              - name: book_room
                description: Books a room.
                input:
                  type: object
                  properties:
                    nights: {type: integer, minimum: 1, maximum: 14}
                    note: {enum: [yes, "5", 5, true, null, 1.50]}
                  required: [nights]
                http:
                  url: https://hotel.example/rooms?v=2
                  method: PUT
                  headers:
                    Authorization: Bearer ${HOTEL_KEY}
                    X-Pair: ${A}${B}-c
                    X-File: {file: secrets/key}
                    X-Number: 5
                  timeout: 3s
                  maxResponseBytes: 2KiB
                approval: {when: {properties: {nights: {minimum: 4}}}}
                doubt: runAgain
                timeout: 5s
              - name: ask-guest
                description: Asks the guest.
                inputFile: ../schemas/question.json
                external: true
            """,
            environment: ["HOTEL_KEY": "k1", "A": "a", "B": ""],
            files: ["etc/secrets/key": "k2\n", "etc/../schemas/question.json": #"{"type": "string"}"#])
        #expect(agent.name == "concierge")
        #expect(agent.model == .scripted)
        #expect(agent.system == "You are the concierge.\nBe brief.\n")
        #expect(agent.maximumSteps == 7)
        #expect(agent.onBusy == .steer)
        #expect(agent.compaction?.limit == .tokens(20_000))
        #expect(agent.compaction?.keep == 6)
        #expect(
            agent.retry
                == RetryPolicy(
                    attempts: 2, firstDelay: .seconds(1), factor: 1.5, maximumDelay: .seconds(120),
                    longestServerDelay: .zero, jitter: 0))
        #expect(agent.tools.map(\.name) == ["book_room", "ask-guest"])
        let tool = agent.tools[0]
        #expect(tool.description == "Books a room.")
        let note: JSON = ["enum": ["yes", "5", 5, true, .null, .number(try #require(JSONNumber(1.5)))]]
        let input: JSON = [
            "type": "object",
            "properties": ["nights": ["type": "integer", "minimum": 1, "maximum": 14], "note": note],
            "required": ["nights"],
        ]
        #expect(tool.input.validate(["nights": 3, "note": "yes"]).isEmpty)
        #expect(!tool.input.validate(["nights": 3, "note": "true"]).isEmpty)
        #expect(tool.input.json.serializedString.replacing("1.50", with: "1.5") == input.serializedString)
        let endpoint = try HTTPEndpoint(
            url: "https://hotel.example/rooms?v=2", method: .put,
            headers: [
                .init("Authorization", "Bearer k1"), .init("X-Pair", "a-c"), .init("X-File", "k2"),
                .init("X-Number", "5"),
            ], timeout: .seconds(3), maximumResponseBytes: 2048)
        #expect(tool.execution == .http(endpoint))
        #expect(tool.approval == .when(try JSONSchema(["properties": ["nights": ["minimum": 4]]])))
        #expect(tool.doubt == .runAgain)
        #expect(tool.timeout == .seconds(5))
        #expect(agent.tools[1].execution == .external)
        #expect(agent.tools[1].input.json == ["type": "string"])
    }

    @Test("A tool's own defaults are those of the library")
    func toolDefaults() throws {
        let agent = try readAgent(
            """
            tools:
            - {name: a, description: b, input: true, http: {url: "http://localhost"}, approval: always}
            - {name: c, description: d, input: {}, http: {url: "http://localhost"}, approval: never, external: false}
            compaction: {messages: 10}
            """)
        #expect(agent.tools.map(\.approval) == [.always, .never])
        #expect(agent.tools[0].doubt == .report)
        #expect(agent.tools[0].timeout == .seconds(60))
        #expect(agent.tools[0].execution == .http(try HTTPEndpoint(url: "http://localhost")))
        #expect(agent.compaction?.limit == .messages(10))
        #expect(agent.compaction?.keep == 4)
    }

    @Test("A key without a value counts as absent")
    func emptyKeys() throws {
        let agent = try readAgent("name:\ntools: ~\nsystem: null\ncompaction:\n")
        #expect(agent.name == "assistant" && agent.tools.isEmpty && agent.system == nil && agent.compaction == nil)
    }

    @Test("The instructions may be in a file beside it, or anywhere by its whole path")
    func systemFile() throws {
        let beside = try readAgent("systemFile: system.md", files: ["etc/system.md": "Be kind."])
        #expect(beside.system == "Be kind.")
        let absolute = try readAgent("systemFile: /srv/system.md", files: ["/srv/system.md": "Be brief."])
        #expect(absolute.system == "Be brief.")
    }

    @Test("The same agent can be made again from what was read, without the disk")
    func contents() throws {
        let yaml = """
            systemFile: system.md
            tools: [{name: t, description: d, input: true, http: {url: "http://h", headers: {K: {file: key}}}}]
            """
        let agent = try readAgent(yaml, files: ["etc/system.md": "s", "etc/key": "k"])
        #expect(agent.contents == ["etc/agent.yaml": yaml, "etc/system.md": "s", "etc/key": "k"])
        let again = try AgentFile.read(path: "etc/agent.yaml", environment: [:]) { path in
            try #require(agent.contents[path])
        }
        #expect(again == agent)
    }

    @Test("However it is printed, no secret comes out")
    func secrecy() throws {
        let agent = try readAgent(
            """
            tools:
            - name: t
              description: d
              input: true
              http:
                url: https://h.example/p?key=hidden
                headers: {Authorization: "Bearer ${KEY}", X-A: {file: key}, X-B: hidden}
            """, environment: ["KEY": "hidden"], files: ["etc/key": "hidden"])
        var dumped = ""
        dump(agent, to: &dumped)
        dump(agent.tools, to: &dumped)
        let texts = [
            "\(agent)", String(reflecting: agent), dumped, "\(agent.tools)", "\(agent.describe())", "\([agent])",
        ]
        for text in texts { #expect(!text.contains("hidden"), "\(text)") }
        let row = agent.describe().first { $0.name == "agent.tools.t" }
        #expect(row?.value.hasPrefix("POST https://h.example/p, Authorization: ••••, X-A: ••••") == true)
        #expect(row?.source == "etc/agent.yaml")
    }

    @Test("What is in force is described key by key")
    func description() throws {
        let agent = try readAgent(
            """
            name: a
            system: "first\\nsecond"
            compaction: {messages: 40}
            tools: [{name: t, description: Asks., input: true, external: true}]
            """)
        let values = Dictionary(uniqueKeysWithValues: agent.describe().map { ($0.name, $0.value) })
        #expect(
            values == [
                "agent.name": "a", "agent.model": "as CARRYON_MODEL", "agent.system": "first ...",
                "agent.maxSteps": "20",
                "agent.onBusy": "queue", "agent.compaction": "above 40 messages, keeping 4",
                "agent.retry": "4 attempts, 500ms to 30s apart", "agent.tools.t": "answered from outside",
            ])
    }

    @Test("A tool is read-only if its file says so, and not otherwise")
    func readOnly() throws {
        let tool = "description: Looks., input: {type: object}, http: {url: 'https://hotel.example/'}"
        let agent = try readAgent("tools: [{name: a, readOnly: true, \(tool)}, {name: b, \(tool)}]")
        #expect(agent.tools.map(\.isReadOnly) == [true, false])
    }
}
