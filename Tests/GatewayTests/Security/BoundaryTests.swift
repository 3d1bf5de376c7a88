import AsyncHTTPClient
import Conversation
import Foundation
import NIOCore
import Synchronization
import NIOHTTP1
import NIOSSL
import TestSupport
import Testing

@testable import Gateway

@Suite("The gateway's boundary")
struct BoundaryTests {
    @Test("Without a key, pages from elsewhere and foreign names are refused")
    func openGateway() async throws {
        try await EventServer.serving { server in
            #expect(try await Call.get(server, "/v1/sessions", headers: [("Origin", server.url)]).status == 200)
            let page = try await Call.get(server, "/v1/sessions", headers: [("Origin", "https://evil.example")])
            #expect(page.status == 403)
            #expect(page.code == "foreign_origin")
            for host in ["evil.example", "127.evil.example", "127.0.0.1.evil.example", "localhost.evil.example"] {
                let name = try await RawConnection.ask(server.port, "/v1/sessions", host: host)
                #expect(name.head.hasPrefix("HTTP/1.1 403"), "\(host)")
                #expect(name.body.contains("foreign_host"), "\(host)")
            }
        }
    }

    @Test("Pages of the origins that are named may call, and no others are told that they may")
    func cors() async throws {
        try await EventServer.serving({ options in
            options.corsOrigins = ["https://app.example"]
            options.apiKeys = ["key"]
        }) { server in
            let asked = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "POST")]
            let preflight = try await Call.make(server, .OPTIONS, "/v1/sessions/s/messages", headers: asked)
            #expect(preflight.status == 204)
            #expect(preflight.headers.first(name: "access-control-allow-origin") == "https://app.example")
            #expect(preflight.headers.first(name: "access-control-allow-headers")?.contains("authorization") == true)
            let call = try await Call.get(
                server, "/v1/sessions", headers: [("Origin", "https://app.example"), ("Authorization", "Bearer key")])
            #expect(call.headers.first(name: "access-control-allow-origin") == "https://app.example")
            #expect(call.headers.first(name: "vary") == "Origin")
            let other = try await Call.get(server, "/v1/sessions", headers: [("Origin", "https://evil.example")])
            #expect(other.status == 401)
            #expect(other.headers.first(name: "access-control-allow-origin") == nil)
        }
    }

    @Test("Every response says how it is to be treated, errors too", arguments: ["/healthz", "/nothing", "/v1/runs"])
    func headers(_ path: String) async throws {
        try await EventServer.serving { server in
            let call = try await Call.get(server, path)
            #expect(call.headers.first(name: "x-content-type-options") == "nosniff")
            #expect(call.headers.first(name: "referrer-policy") == "no-referrer")
            #expect(call.headers.first(name: "content-security-policy")?.contains("default-src 'none'") == true)
            #expect(call.headers.first(name: "cache-control") == "no-store")
            #expect(call.headers.first(name: "access-control-allow-origin") == nil)
            #expect(call.headers.first(name: "strict-transport-security") == nil)
        }
    }

    @Test("A caller that calls too often is told when to come again, and another is not kept from calling")
    func rateLimit() async throws {
        try await EventServer.serving({ options in
            options.apiKeys = ["one", "two"]
            options.rateLimit = 3
        }) { server in
            var statuses: [UInt] = []
            var last: Call?
            for _ in 0..<30 {
                let call = try await Call.get(server, "/v1/runs", headers: [("Authorization", "Bearer one")])
                statuses.append(call.status)
                if call.status == 429 { last = call }
            }
            #expect(statuses.prefix(3).allSatisfy { $0 == 200 })
            #expect(last?.code == "rate_limited")
            #expect(last?.headers.first(name: "retry-after") == "1")
            let other = try await Call.get(server, "/v1/runs", headers: [("Authorization", "Bearer two")])
            #expect(other.status == 200)
        }
    }

    @Test("A bucket lets through what a naive count would", arguments: 0..<20)
    func bucket(_ index: UInt64) {
        let seed = testSeed() &+ index
        var random = SeededGenerator(seed: seed)
        let rate = Int.random(in: 1...20, using: &random)
        var bucket = TokenBucket(rate: Double(rate), now: 0)
        // In whole milliseconds and thousandths of a call.
        var level = rate * 1000
        var now = 0
        for _ in 0..<300 {
            let step = Int.random(in: 0...400, using: &random)
            now += step
            level = min(rate * 1000, level + step * rate)
            let wait = bucket.take(now: Double(now) / 1000)
            // Where the two are as good as equal, rounding decides.
            if abs(level - 1000) < 2 {
                level = wait == nil ? level - 1000 : level
                continue
            }
            #expect((wait == nil) == (level >= 1000), "CARRYON_TEST_SEED=\(seed), at \(now)")
            if wait == nil { level -= 1000 }
        }
    }

    @Test("A client that takes too long over its request is cut off, and one that only reads is not")
    func slowClients() async throws {
        try await EventServer.serving({ $0.requestTimeout = .milliseconds(800) }) { server in
            let requests = [
                "", "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n",
                "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                "POST /v1/sessions/s/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{",
            ]
            for request in requests {
                let isClosed = Mutex(false)
                let client = try await RawConnection.open(server.port, request) { _ in }
                client.onClose { isClosed.withLock { $0 = true } }
                try await eventually(timeout: .seconds(10)) { isClosed.withLock { $0 } }
            }
            let isClosed = Mutex(false)
            let head = "GET /v1/sessions/s/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            let reader = try await RawConnection.open(server.port, head) { _ in }
            reader.onClose { isClosed.withLock { $0 = true } }
            // Longer than another client that is cut off meanwhile.
            for _ in 0..<2 {
                let other = Mutex(false)
                let client = try await RawConnection.open(server.port, "") { _ in }
                client.onClose { other.withLock { $0 = true } }
                try await eventually(timeout: .seconds(10)) { other.withLock { $0 } }
            }
            #expect(!isClosed.withLock { $0 })
            try await reader.close()
        }
    }

    @Test("With a certificate, the gateway speaks TLS and nothing else")
    func encrypted() async throws {
        let directory = try TemporaryDirectory(prefix: "carryon-gateway-tls")
        let made = try await ServerCertificate.make(in: directory)
        try await EventServer.serving({ $0.certificate = (made.certificate, made.key) }) { server in
            var configuration = HTTPClient.Configuration()
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(made.authority)
            configuration.tlsConfiguration = tls
            let client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
            do {
                let url = "https://127.0.0.1:\(server.port)/healthz"
                let answer = try await client.execute(HTTPClientRequest(url: url), timeout: .seconds(20))
                #expect(answer.status == .ok)
                #expect(answer.headers.first(name: "strict-transport-security") != nil)
                await #expect(throws: (any Error).self) {
                    _ = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(20))
                }
                await #expect(throws: (any Error).self) { _ = try await Call.get(server, "/healthz") }
            }
            try await client.shutdown()
        }
    }

    @Test("Headers are bounded")
    func headerSize() async throws {
        try await EventServer.serving { server in
            let fits = String(repeating: "h", count: 30 << 10)
            #expect(try await Call.get(server, "/healthz", headers: [("x-long", fits)]).status == 200)
            let tooLong = try await RawConnection.ask(
                server.port, "/healthz", more: "x-long: \(String(repeating: "h", count: 70 << 10))\r\n")
            #expect(!tooLong.head.hasPrefix("HTTP/1.1 200"))
        }
    }
}
