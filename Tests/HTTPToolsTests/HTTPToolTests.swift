import ChatAgent
import Conversation
import HTTPTestServer
import HTTPTools
import TestSupport
import Testing

@Suite("A tool that a server carries out")
struct HTTPToolTests {
    /// Calls a tool once, as a turn does.
    private func call(
        _ endpoint: HTTPEndpoint, input: JSON = ["city": "Oslo"], id: String = "call-1"
    ) async throws -> JSON {
        let tool = Tool.http(
            "weather", description: "Tells the weather.", input: try JSONSchema(true), endpoint: endpoint)
        guard case .local(let body) = tool.execution else {
            Issue.record("The tool has no body.")
            return .null
        }
        let turn = TurnIdentity(
            session: "s", turn: 0, run: 1, requestID: "r", data: nil, isContinuation: false, locals: Locals())
        return try await body(ToolCall(id: id, toolName: "weather", input: input, turn: turn) { _ in })
    }

    /// The sentence of the error that the call ends with.
    private func failure(_ endpoint: HTTPEndpoint) async throws -> String {
        let error = await #expect(throws: ToolError.self) { try await call(endpoint) }
        return try #require(error).message
    }

    @Test("The input is sent as JSON, with the call's id, and the body of the answer is the output")
    func post() async throws {
        try await TestServer.serving { _ in
            .json(#"{"temperature": -3.50}"#)
        } _: { server in
            let endpoint = try HTTPEndpoint(
                url: "\(server.url)/weather?unit=c", headers: [.init("Authorization", "Bearer key"), .init("X-A", "1")])
            let output = try await call(endpoint, input: ["city": "Oslo", "days": [1, 2]])
            #expect(output.serializedString == #"{"temperature":-3.50}"#)
            let request = try #require(server.requests.first)
            #expect(request.method == "POST")
            #expect(request.uri == "/weather?unit=c")
            #expect(request.body == #"{"city":"Oslo","days":[1,2]}"#)
            #expect(request["Content-Type"] == "application/json")
            #expect(request["Accept"] == "application/json")
            #expect(request["Idempotency-Key"] == "call-1")
            #expect(request["Authorization"] == "Bearer key")
            #expect(request["X-A"] == "1")
        }
    }

    @Test("A call's id cannot break out of its header")
    func strangeID() async throws {
        try await TestServer.serving { _ in
            .json("1")
        } _: { server in
            let output = try await call(HTTPEndpoint(url: server.url), id: "a b\r\nX-Evil: 1é")
            #expect(output == 1)
            #expect(server.requests.first?["Idempotency-Key"] == "a%20b%0D%0AX-Evil:%201%C3%A9")
            #expect(server.requests.first?["X-Evil"] == nil)
        }
    }

    @Test("A header that is given replaces the tool's own of that name")
    func replacedHeaders() async throws {
        try await TestServer.serving { _ in
            .json("1")
        } _: { server in
            let headers = [HTTPEndpoint.Header("accept", "text/plain"), .init("Content-Type", "application/x-tool")]
            _ = try await call(HTTPEndpoint(url: server.url, headers: headers))
            let sent = try #require(server.requests.first).headers
            #expect(sent.filter { $0.name.lowercased() == "accept" }.map(\.value) == ["text/plain"])
            #expect(sent.filter { $0.name.lowercased() == "content-type" }.map(\.value) == ["application/x-tool"])
        }
    }

    @Test("GET and DELETE send the input as items of the query", arguments: [HTTPEndpoint.Method.get, .delete])
    func query(method: HTTPEndpoint.Method) async throws {
        let input: JSON = [
            "text": "a&b=c d/é", "number": 1.50, "yes": true, "nothing": .null, "list": ["x", 2], "map": ["k": "v"],
        ]
        try await TestServer.serving { _ in
            .json("1")
        } _: { server in
            _ = try await call(HTTPEndpoint(url: "\(server.url)/q", method: method), input: input)
            _ = try await call(HTTPEndpoint(url: "\(server.url)/q?a=1", method: method), input: ["b": 2])
            _ = try await call(HTTPEndpoint(url: "\(server.url)/q", method: method), input: .object([:]))
            _ = try await call(HTTPEndpoint(url: "\(server.url)/q", method: method), input: "word")
            #expect(
                server.requests.map(\.uri) == [
                    "/q?text=a%26b%3Dc%20d%2F%C3%A9&number=1.5&yes=true&list=x&list=2&map=%7B%22k%22%3A%22v%22%7D",
                    "/q?a=1&b=2", "/q", "/q?input=word",
                ])
            #expect(server.requests.allSatisfy { $0.method == method.rawValue && $0.body.isEmpty })
            #expect(server.requests.allSatisfy { $0["Content-Type"] == nil })
        }
    }

    @Test(
        "An answer that is not JSON is a text, and an empty one is null",
        arguments: [
            (ServerReply.answer(status: 200, body: Array("sunny".utf8)), JSON.string("sunny")),
            (.answer(status: 201, body: Array("{broken".utf8)), "{broken"),
            (.answer(status: 200, body: [0x61, 0xFF]), "a\u{FFFD}"),
            (.answer(status: 200), .null), (.answer(status: 204), .null), (.json("null"), .null),
            (.json("[]"), .array([])),
        ])
    func output(reply: ServerReply, expected: JSON) async throws {
        try await TestServer.serving { _ in
            reply
        } _: { server in
            let output = try await call(HTTPEndpoint(url: server.url))
            #expect(output == expected)
        }
    }

    @Test("Another status is an error that names it and the tool, with the beginning of the body")
    func status() async throws {
        let long = String(repeating: "é", count: 3000)
        let replies: [(ServerReply, String)] = [
            (.answer(status: 404), "The tool weather answered with status 404."),
            (.json(" no such city\n", status: 422), "The tool weather answered with status 422: no such city."),
            (.json(long, status: 500), "The tool weather answered with status 500: \(long.prefix(496)) ...."),
            (
                .answer(status: 302, headers: ["Location": "http://127.0.0.1:1/other"]),
                "The tool weather answered with status 302, which leads elsewhere and is not followed."
            ),
        ]
        for (reply, expected) in replies {
            try await TestServer.serving { _ in
                reply
            } _: { server in
                let message = try await failure(HTTPEndpoint(url: server.url))
                #expect(message == expected)
                #expect(server.requests.count == 1)
            }
        }
    }

    @Test("An answer that is too large is an error, and one byte less is not")
    func size() async throws {
        try await TestServer.serving { _ in
            .json(#""abcdefgh""#)
        } _: { server in
            let output = try await call(HTTPEndpoint(url: server.url, maximumResponseBytes: 10))
            #expect(output == "abcdefgh")
            let message = try await failure(HTTPEndpoint(url: server.url, maximumResponseBytes: 9))
            #expect(message == "The tool weather answered with more than 9 bytes.")
        }
    }

    @Test("A server that cannot be reached, or hangs up, is an error that says so")
    func noServer() async throws {
        let refused = try await failure(HTTPEndpoint(url: "http://127.0.0.1:1/?key=hidden"))
        #expect(refused == "The tool weather could not be asked: no connection.")
        try await TestServer.serving { _ in
            .hangUp
        } _: { server in
            let message = try await failure(HTTPEndpoint(url: server.url))
            #expect(message == "The tool weather could not be asked: remote connection closed.")
            #expect(server.requests.count == 1)
        }
    }

    @Test(
        "A server that takes too long is an error, also in the middle of its answer",
        arguments: [ServerReply.silence, .begin(body: Array("[1,".utf8))])
    func timeout(reply: ServerReply) async throws {
        try await TestServer.serving { _ in
            reply
        } _: { server in
            let message = try await failure(HTTPEndpoint(url: server.url, timeout: .milliseconds(200)))
            #expect(message == "The tool weather did not answer within 0.2 seconds.")
            try await eventually(timeout: .seconds(60)) { server.connections == 0 }
        }
    }

    @Test(
        "A call that is cancelled closes its connection and ends as cancelled",
        arguments: [ServerReply.silence, .begin(body: Array("[1,".utf8))])
    func cancellation(reply: ServerReply) async throws {
        try await TestServer.serving { _ in
            reply
        } _: { server in
            let endpoint = try HTTPEndpoint(url: server.url)
            let task = Task { try await call(endpoint) }
            try await eventually(timeout: .seconds(60)) { server.requests.count == 1 }
            #expect(server.connections == 1)
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            try await eventually(timeout: .seconds(60)) { server.connections == 0 }
        }
    }

    @Test("Many calls at once each get their own answer")
    func manyCalls() async throws {
        try await TestServer.serving { request in
            .json(request.body)
        } _: { server in
            let endpoint = try HTTPEndpoint(url: server.url)
            let outputs = try await withThrowingTaskGroup(of: (Int, JSON).self) { group in
                for number in 0..<50 {
                    let input: JSON = ["n": .number(JSONNumber(number))]
                    group.addTask { (number, try await call(endpoint, input: input, id: "call-\(number)")) }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1["n"]?.int }
            }
            #expect(outputs == Dictionary(uniqueKeysWithValues: (0..<50).map { ($0, $0) }))
            #expect(Set(server.requests.compactMap { $0["Idempotency-Key"] }).count == 50)
        }
    }
}
