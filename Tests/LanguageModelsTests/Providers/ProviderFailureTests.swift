import Conversation
import HTTPTestServer
import LanguageModels
import Synchronization
import TestSupport
import Testing

@Suite("Providers: failures")
struct ProviderFailureTests {
    private static let question = ModelRequest(messages: [.user(id: "q", text: "TOPSECRET question")])

    private func failure(
        _ kind: ProviderKind, timeouts: ModelTimeouts = ModelTimeouts(),
        _ reply: @escaping @Sendable (ReceivedRequest) -> ServerReply
    ) async throws -> ModelError {
        let found = Mutex<ModelError?>(nil)
        try await TestServer.serving(reply) { server in
            let model = try kind.model(at: server.url, timeouts: timeouts)
            let error = await #expect(throws: ModelError.self) { try await model.call(Self.question) }
            found.withLock { $0 = error }
            try await eventually(timeout: .seconds(10)) { server.connections == 0 || error != nil }
        }
        let error = try #require(found.withLock { $0 })
        #expect(!error.message.contains("TOPSECRET") && !error.message.contains("SECRET123"), "\(error)")
        return error
    }

    private static let statuses: [(Int, String, ModelError.Code)] = [
        (429, #"{"error":{"type":"rate_limit_error"}}"#, .rateLimited), (503, "busy", .overloaded),
        (529, #"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#, .overloaded),
        (500, "", .overloaded), (502, "<html>", .overloaded), (408, "", .overloaded),
        (
            400, #"{"error":{"message":"This model's maximum context length is 8192 tokens","code":null}}"#,
            .contextLength
        ),
        (400, #"{"error":{"message":"no","code":"context_length_exceeded"}}"#, .contextLength),
        (
            400, #"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}"#,
            .contextLength
        ),
        (400, #"{"error":{"type":"exceed_context_size_error","message":"x"}}"#, .contextLength),
        (500, #"{"error":{"message":"the request exceeds the available context size"}}"#, .contextLength),
        (413, "", .contextLength), (400, #"{"error":"TOPSECRET question is bad"}"#, .invalidRequest),
        (401, #"{"error":{"message":"Incorrect API key provided: sk-test-SECRET123"}}"#, .invalidRequest),
        (403, #"{"detail":"no"}"#, .invalidRequest), (404, "", .invalidRequest),
        (422, #"{"error":{"code":"sk-test-SECRET123","type":"TOPSECRET question"}}"#, .invalidRequest),
        (307, "", .invalidRequest),
    ]

    @Test(
        "A status that refuses is told by its class, without a word of the prompt or the key",
        arguments: ProviderKind.allCases)
    func statuses(kind: ProviderKind) async throws {
        for (status, body, code) in Self.statuses {
            let error = try await failure(kind) { _ in .answer(status: status, body: Array(body.utf8)) }
            #expect(error.code == code, "\(status) \(body): \(error)")
            #expect(error.message.contains("\(status)"))
        }
    }

    @Test("What is wrong with a key is said, and the provider's own names for a failure are")
    func words() async throws {
        let key = try await failure(.openAI) { _ in
            .json(#"{"error":{"message":"bad","type":"invalid_request_error","code":"invalid_api_key"}}"#, status: 401)
        }
        #expect(
            key.message
                == "The provider 127.0.0.1 answered with status 401 (invalid_request_error, invalid_api_key): the key is missing, or is not accepted."
        )
        let parameter = try await failure(.openAI) { _ in
            .json(#"{"error":{"message":"bad","param":"messages[0].content"}}"#, status: 400)
        }
        #expect(parameter.message.contains("(at messages[0].content)"))
    }

    @Test("A provider's wish to wait is passed on", arguments: ProviderKind.allCases)
    func retryAfter(kind: ProviderKind) async throws {
        let seconds = try await failure(kind) { _ in .answer(status: 429, headers: ["Retry-After": "7"]) }
        #expect(seconds.retryAfter == .seconds(7))
        let past = try await failure(kind) { _ in
            .answer(status: 503, headers: ["Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"])
        }
        #expect(past.retryAfter == .zero)
        #expect(try await failure(kind) { _ in .answer(status: 429) }.retryAfter == nil)
    }

    @Test(
        "A connection that ends before the answer does is a disconnect, wherever it ends",
        arguments: ProviderKind.allCases)
    func disconnect(kind: ProviderKind) async throws {
        let events = kind.answer(["one", " two"])
        let finish = kind == .openAI ? 3 : 6
        for count in 0..<finish {
            for end in [ServerReply.StreamEnd.hangUp, .complete] {
                let error = try await failure(kind) { _ in .events(Array(events.prefix(count)), end: end) }
                #expect(error.code == .disconnect, "\(count) \(end)")
            }
        }
        #expect(try await failure(kind) { _ in .hangUp }.code == .disconnect)
    }

    @Test("A server that is not there is a disconnect")
    func nobody() async throws {
        let port = Mutex(0)
        try await TestServer.serving({ _ in .silence }) { server in port.withLock { $0 = server.port } }
        let model = try ProviderKind.openAI.model(at: "http://127.0.0.1:\(port.withLock { $0 })")
        let error = await #expect(throws: ModelError.self) { try await model.call(Self.question) }
        #expect(error?.code == .disconnect)
    }

    @Test("Once an answer has said why it ends, nothing that fails behind it matters", arguments: ProviderKind.allCases)
    func epilogue(kind: ProviderKind) async throws {
        let events = kind.answer(["one"])
        let count = kind == .openAI ? 3 : events.count - 1
        // A connection that is torn takes with it what has come and is not read yet, so that is none of the cases.
        for end in [ServerReply.StreamEnd.complete, .stall] {
            try await TestServer.serving({ _ in .events(Array(events.prefix(count)), end: end) }) { server in
                let call = try await kind.model(at: server.url).call(Self.question)
                #expect(call.text == "one" && call.response.finishReason == .stop)
            }
        }
    }

    @Test("What is no event of an answer is a disconnect", arguments: ProviderKind.allCases)
    func malformed(kind: ProviderKind) async throws {
        for data in ["not json", "[1]", "{\"choices\":", "\"x\"", "\u{0}"] {
            let events = kind.answer(["one"]).prefix(kind == .openAI ? 2 : 4) + [Fixture.event(data)]
            let error = try await failure(kind) { _ in .events(Array(events)) }
            #expect(error.code == .disconnect, "\(data)")
        }
        let flood = Array(repeating: Array(repeating: UInt8(ascii: "x"), count: 1 << 20), count: 9)
        #expect(try await failure(kind) { _ in .stream(flood) }.message.contains("larger than it may be"))
    }

    private static let reported: [(String, ModelError.Code)] = [
        (#"{"type":"overloaded_error","message":"x"}"#, .overloaded), (#"{"type":"rate_limit_error"}"#, .rateLimited),
        (#"{"code":429,"message":"x"}"#, .rateLimited), (#"{"code":"503"}"#, .overloaded),
        (#"{"type":"api_error"}"#, .overloaded), (#"{"type":"invalid_request_error"}"#, .invalidRequest),
        (#"{"type":"authentication_error"}"#, .invalidRequest), (#"{"message":"context length"}"#, .contextLength),
        (#"{"message":"TOPSECRET"}"#, .disconnect),
    ]

    @Test("An error in the middle of an answer is told by its class", arguments: ProviderKind.allCases)
    func inStream(kind: ProviderKind) async throws {
        for (reported, code) in Self.reported {
            let events =
                kind.answer(["one"]).prefix(4) + [
                    Fixture.event("{\"type\":\"error\",\"error\":\(reported)}", name: "error")
                ]
            let trimmed = kind == .openAI ? [events[0], events[1], events[events.count - 1]] : Array(events)
            let error = try await failure(kind) { _ in .events(trimmed) }
            #expect(error.code == code, "\(reported): \(error)")
        }
    }

    @Test(
        "A provider that does not begin, or stops in the middle, is given up in time", arguments: ProviderKind.allCases)
    func stalls(kind: ProviderKind) async throws {
        let events = kind.answer(["one"])
        let short = ModelTimeouts(firstToken: .milliseconds(200), idle: .seconds(60))
        #expect(try await failure(kind, timeouts: short) { _ in .silence }.message.contains("did not begin"))
        // A word that somebody is there is no answer.
        let alive = [": processing\n\n", Fixture.event(#"{"type":"ping"}"#, name: "ping")]
        let waiting = Array(repeating: alive, count: 40).flatMap { $0 }
        let error = try await failure(kind, timeouts: short) { _ in
            .events(waiting, pause: .milliseconds(50), end: .stall)
        }
        #expect(error.code == .disconnect && error.message.contains("did not begin"))
        let idle = ModelTimeouts(firstToken: .seconds(60), idle: .milliseconds(200))
        let stalled = try await failure(kind, timeouts: idle) { _ in .events(Array(events.prefix(2)), end: .stall) }
        #expect(stalled.message.contains("in the middle"))
    }

    @Test("A reader that is slow is no stall of the provider", arguments: ProviderKind.allCases)
    func slowReader(kind: ProviderKind) async throws {
        try await TestServer.serving({ _ in .events(kind.answer(["one", "two", "three"])) }) { server in
            let model = try kind.model(at: server.url, timeouts: ModelTimeouts(idle: .milliseconds(100)))
            let count = Mutex(0)
            _ = try await model.generate(Self.question) { chunk in
                guard case .textDelta = chunk else { return }
                count.withLock { $0 += 1 }
                try await Task.sleep(for: .milliseconds(250))
            }
            #expect(count.withLock { $0 } == 3)
        }
    }

    @Test(
        "A cancelled call closes its connection at once, before and within the answer", arguments: ProviderKind.allCases
    )
    func cancellation(kind: ProviderKind) async throws {
        let events = kind.answer(["one"]).prefix(kind == .openAI ? 2 : 4)
        for reply in [ServerReply.silence, .events(Array(events), end: .stall)] {
            try await TestServer.serving({ _ in reply }) { server in
                let model = try kind.model(at: server.url)
                let task = Task { try await model.call(Self.question) }
                try await eventually(timeout: .seconds(10)) { server.requests.count == 1 }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                try await eventually(timeout: .seconds(10)) { server.connections == 0 }
            }
        }
    }

    @Test("A reader that wants no more closes the connection", arguments: ProviderKind.allCases)
    func readerFails(kind: ProviderKind) async throws {
        struct Enough: Error {}
        try await TestServer.serving({ _ in .events(kind.answer(["one", "two"]), end: .stall) }) { server in
            let model = try kind.model(at: server.url)
            await #expect(throws: Enough.self) { try await model.generate(Self.question) { _ in throw Enough() } }
            try await eventually(timeout: .seconds(10)) { server.connections == 0 }
        }
    }

    @Test("Calls one after another share a connection", arguments: ProviderKind.allCases)
    func connections(kind: ProviderKind) async throws {
        try await TestServer.serving({ _ in .events(kind.answer(["one"])) }) { server in
            let model = try kind.model(at: server.url)
            for _ in 0..<3 {
                #expect(try await model.call(Self.question).text == "one")
                #expect(server.connections == 1)
            }
        }
    }

    @Test("An endpoint that cannot be used is refused, and none shows its key")
    func endpoints() throws {
        for url in ["", "localhost:1", "ftp://h", "http://u:p@h", "http://h?a=b", "http://h#f", "https://"] {
            #expect(throws: ModelEndpointError.self) { try ModelEndpoint(baseURL: url) }
        }
        let error = #expect(throws: ModelEndpointError.self) {
            try ModelEndpoint(baseURL: "http://h", key: "a\nSECRET")
        }
        #expect(error?.description.contains("SECRET") == false)
        let endpoint = try ModelEndpoint(baseURL: "http://h/v1//", key: ProviderKind.key)
        var dumped = ""
        dump(endpoint, to: &dumped)
        dump(try ProviderKind.openAI.model(at: "http://h"), to: &dumped)
        for text in ["\(endpoint)", String(reflecting: endpoint), dumped] { #expect(!text.contains("SECRET123")) }
        #expect(endpoint.baseURL == "http://h/v1")
    }
}
