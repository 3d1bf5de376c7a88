import Conversation
import Foundation
import LanguageModels
import Synchronization
import TestSupport
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Servers that imitate both providers and that nobody here wrote: what they send is their reading of the APIs.
@Suite("Providers: servers of others", .timeLimit(.minutes(5)))
struct IndependentServerTests {
    private static let tools = [
        ToolDefinition(
            name: "get_weather", description: "Tells the weather of a city.",
            inputSchema: ["type": "object", "properties": ["city": ["type": "string"]], "required": ["city"]])
    ]

    private func question(_ text: String, tools: [ToolDefinition] = []) -> ModelRequest {
        ModelRequest(messages: [.user(id: "q", text: text)], system: "Be brief.", tools: tools)
    }

    @Test("fakellm: words and calls, from both APIs", .enabled(if: ModelServer.isAvailable("fakellm")))
    func fakellm() async throws {
        let directory = try TemporaryDirectory(prefix: "carryon-fakellm")
        let rules = """
            rules:
              - {name: after, when: {tool_result_contains: "sunny"}, respond: {content: "It is sunny."}}
              - name: tool
                when: {messages_contain: "weather"}
                respond:
                  tool_calls:
                    - {name: get_weather, arguments: {city: "Oslo \\"S\\""}}
                    - {name: get_weather, arguments: {city: "Łódź"}}
              - {name: words, when: {messages_contain: "hello"}, respond: {content: "Hi  there, 世界 — ok?"}}
            """
        let path = directory.path("fakellm.yaml")
        try Data(rules.utf8).write(to: URL(filePath: path))
        let server = try await ModelServer.start("fakellm") { port in
            ["serve", "--port", "\(port)", "--config", path]
        }
        for kind in ProviderKind.allCases {
            let model = try kind.model(at: server.url + "/v1")
            let hello = try await model.call(question("hello"))
            #expect(hello.text == "Hi  there, 世界 — ok?" && hello.response.finishReason == .stop)
            // The server remembers conversations by their words.
            let asked = "the weather, \(kind)?"
            let calling = try await model.call(question(asked, tools: Self.tools))
            #expect(calling.calls == [#"get_weather({"city":"Oslo \"S\""})"#, #"get_weather({"city":"Łódź"})"#])
            #expect(calling.response.finishReason == .toolCalls)
            var answer = Answer()
            calling.chunks.forEach { answer.apply($0) }
            #expect(answer.violations.isEmpty)
            var settled = answer.message
            settled.parts = settled.parts.map { part in
                guard case .tool(var call) = part else { return part }
                call.state = .outputAvailable
                call.output = "sunny"
                return .tool(call)
            }
            let after = try await model.call(
                ModelRequest(
                    messages: [.user(id: "q", text: asked)], continuation: settled, tools: Self.tools))
            #expect(after.text == "It is sunny.")
        }
        server.end()
    }

    /// What llmock is told to do with the next request, and the class of failure that it amounts to.
    private static let faults: [(String, ModelError.Code, Duration?)] = [
        (#"{"type":"fail","status":429,"retry_after":7}"#, .rateLimited, .seconds(7)),
        (#"{"type":"fail","status":503}"#, .overloaded, nil), (#"{"type":"fail","status":529}"#, .overloaded, nil),
        (#"{"type":"fail","status":400}"#, .invalidRequest, nil),
        (#"{"type":"fail","status":401}"#, .invalidRequest, nil),
        (#"{"type":"stream_fault","kind":"disconnect","after_chunks":2}"#, .disconnect, nil),
        (#"{"type":"stream_fault","kind":"truncate","after_chunks":2}"#, .disconnect, nil),
        (#"{"type":"stream_fault","kind":"malformed","after_chunks":4}"#, .disconnect, nil),
        (#"{"type":"stream_fault","kind":"stall","after_chunks":2,"stall_seconds":60}"#, .disconnect, nil),
        (#"{"type":"slow_first_token","seconds":60}"#, .disconnect, nil),
    ]

    @Test(
        "llmock: words, calls and every fault that it can commit, from both APIs",
        .enabled(if: ModelServer.isAvailable("llmock")))
    func llmock() async throws {
        let server = try await ModelServer.start("llmock") { port in
            ["serve", "--port", "\(port)", "--response-style", "echo"]
        }
        let addresses = [ProviderKind.openAI: "/v1", .anthropic: "/anthropic"]
        for (kind, path) in addresses {
            let model = try kind.model(
                at: server.url + path, timeouts: ModelTimeouts(firstToken: .seconds(3), idle: .seconds(1)))
            let hello = try await model.call(question("hello you"))
            #expect(hello.text.contains("hello you") && hello.response.finishReason == .stop)
            #expect((hello.response.usage?.outputTokens ?? 0) > 0)
            let calling = try await model.call(question("the weather in Oslo?", tools: Self.tools))
            #expect(calling.calls.count == 1 && calling.calls.first?.hasPrefix(#"get_weather({"city":""#) == true)
            #expect(calling.response.finishReason == .toolCalls)
            for (fault, code, retryAfter) in Self.faults {
                try await prepare(fault, at: server)
                let error = await #expect(throws: ModelError.self, "\(fault)") {
                    try await model.call(question("hello again"))
                }
                #expect(error?.code == code, "\(kind) \(fault): \(error as Any)")
                if let retryAfter { #expect(error?.retryAfter == retryAfter, "\(kind) \(fault)") }
            }
            #expect(try await model.call(question("still there")).text.contains("still there"))
        }
        server.end()
    }

    private func prepare(_ behavior: String, at server: ModelServer) async throws {
        let url = try #require(URL(string: server.url + "/_llmock/scenario"))
        var request = URLRequest(url: url)
        request.httpMethod = "POST"
        request.httpBody = Data("{\"behaviors\":[\(behavior)]}".utf8)
        let (_, response) = try await URLSession.shared.data(for: request)
        #expect((response as? HTTPURLResponse)?.statusCode == 201, "\(behavior)")
    }
}
