import Conversation
import Foundation
import JWTKit
import NIOHTTP1
import TestSupport
import Testing

@testable import Gateway

@Suite("Tokens")
struct TokenTests {
    private struct Claims: JWTPayload {
        var sub: String? = "somebody"
        var exp: Double? = 4_000_000_000
        var nbf: Double?
        var scope: String? = "read:sessions:s write:sessions:s read:sessions:a%20b"

        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    private static let secret = "a secret that is long enough to be one"

    private static func token(_ claims: Claims = Claims(), secret: String = secret) async throws -> String {
        let key = Array(secret.utf8) + Array(repeating: 0, count: max(0, 32 - secret.utf8.count))
        return try await JWTKeyCollection().add(hmac: HMACKey(from: Data(key)), digestAlgorithm: .sha256).sign(claims)
    }

    private static func bearer(_ token: String) -> [(String, String)] { [("Authorization", "Bearer \(token)")] }

    @Test("API keys are all valid at once, and nothing else is")
    func apiKeys() async throws {
        try await EventServer.serving({ $0.apiKeys = ["old", "new"] }) { server in
            for key in ["old", "new"] {
                #expect(try await Call.get(server, "/v1/sessions", headers: Self.bearer(key)).status == 200)
            }
            let without = try await Call.get(server, "/v1/sessions")
            #expect(without.status == 401)
            #expect(without.code == "missing_token")
            #expect(without.headers.first(name: "www-authenticate") == "Bearer")
            for token in ["ne", "neww", "", "a.b.c"] {
                let call = try await Call.get(server, "/v1/sessions", headers: Self.bearer(token))
                #expect(call.status == 401)
                #expect(call.code == "invalid_token")
                #expect(!call.body.serializedString.contains("neww"))
            }
            let basic = try await Call.get(server, "/v1/sessions", headers: [("Authorization", "Basic bmV3")])
            #expect(basic.code == "invalid_token")
            #expect(try await Call.get(server, "/healthz").status == 200)
        }
    }

    @Test("A token opens what its scope names")
    func scopes() async throws {
        try await EventServer.serving({ $0.jwtKey = "rotated\n\(Self.secret)" }) { server in
            let headers = Self.bearer(try await Self.token())
            #expect(try await Call.get(server, "/v1/sessions/s", headers: headers).status == 404)
            #expect(try await Call.get(server, "/v1/sessions/a%20b", headers: headers).status == 404)
            #expect(try await Call.get(server, "/v1/runs?session=s", headers: headers).status == 200)
            let message: JSON = ["text": "x"]
            #expect(try await Call.post(server, "/v1/sessions/s/messages", message, headers: headers).status == 202)
            for path in ["/v1/sessions", "/v1/runs", "/v1/sessions/t", "/v1/sessions/t/events", "/v1/runs/t/0/1"] {
                let call = try await Call.get(server, path, headers: headers)
                #expect(call.status == 403, "\(path)")
                #expect(call.code == "insufficient_scope")
            }
            let write = try await Call.post(server, "/v1/sessions/a%20b/messages", message, headers: headers)
            #expect(write.status == 403)
            let chat: JSON = ["id": "t", "messages": [["role": "user", "parts": []]]]
            #expect(try await Call.post(server, "/v1/chat", chat, headers: headers).status == 403)
            let all = Self.bearer(try await Self.token(Claims(scope: "read:sessions"), secret: "rotated"))
            #expect(try await Call.get(server, "/v1/sessions", headers: all).status == 200)
            #expect(try await Call.post(server, "/v1/sessions/s/messages", message, headers: all).status == 403)
        }
    }

    @Test("A token that is not signed, too old, too young or nobody's is refused")
    func refusals() async throws {
        try await EventServer.serving({ $0.jwtKey = Self.secret }) { server in
            func code(_ token: String) async throws -> String? {
                let call = try await Call.get(server, "/v1/sessions/s", headers: Self.bearer(token))
                return call.status == 401 ? call.code : "\(call.status)"
            }
            let good = try await Self.token()
            #expect(try await code(good) == "404")
            #expect(try await code(try await Self.token(secret: "another")) == "invalid_token")
            #expect(try await code(try await Self.token(Claims(exp: 1_000))) == "token_expired")
            #expect(try await code(try await Self.token(Claims(exp: nil))) == "invalid_token")
            #expect(try await code(try await Self.token(Claims(sub: nil))) == "invalid_token")
            #expect(try await code(try await Self.token(Claims(sub: ""))) == "invalid_token")
            #expect(try await code(try await Self.token(Claims(nbf: 3_999_999_999))) == "invalid_token")
            // {"alg":"none"}
            let parts = good.split(separator: ".")
            #expect(try await code("eyJhbGciOiJub25lIn0.\(parts[1]).") == "invalid_token")
            #expect(try await code("\(parts[0]).\(parts[1]).\(parts[2].dropLast(2))AA") == "invalid_token")
        }
    }

    @Test("Tokens of a private key are checked with its public one, and the public one is no secret to sign with")
    func es256() async throws {
        let old = ES256PrivateKey()
        let new = ES256PrivateKey()
        let pem = old.publicKey.pemRepresentation + "\n" + new.publicKey.pemRepresentation + "\n"
        try await EventServer.serving({ $0.jwtKey = pem }) { server in
            for key in [old, new] {
                let token = try await JWTKeyCollection().add(ecdsa: key).sign(Claims())
                #expect(try await Call.get(server, "/v1/sessions/s", headers: Self.bearer(token)).status == 404)
            }
            let stranger = try await JWTKeyCollection().add(ecdsa: ES256PrivateKey()).sign(Claims())
            #expect(try await Call.get(server, "/v1/sessions/s", headers: Self.bearer(stranger)).status == 401)
            let confused = try await Self.token(secret: pem)
            #expect(try await Call.get(server, "/v1/sessions/s", headers: Self.bearer(confused)).status == 401)
        }
    }

    @Test("Secrets below the 32 bytes that HS256 asks for are counted, to be warned of")
    func shortSecrets() async throws {
        let enough = String(repeating: "s", count: 32)
        for (text, short) in [(enough, 0), (String(enough.dropLast()), 1), ("a\n\(enough)\n b \n\(enough)s", 2)] {
            #expect(try await TokenKeys(text).shortSecrets == short)
        }
        #expect(try await TokenKeys(ES256PrivateKey().publicKey.pemRepresentation).shortSecrets == 0)
    }

    @Test("Ids that only look alike are different sessions")
    func lookalikes() {
        let caller = Caller(name: "n", grants: Caller.grants("read:sessions:%C3%A9"))
        #expect(caller.mayDo(.read, session: "\u{E9}"))
        #expect(!caller.mayDo(.read, session: "e\u{301}"))
    }

    @Test("Of a scope, what is not understood allows nothing")
    func grants() {
        #expect(Caller.grants("") == [])
        #expect(Caller.grants("read write:all sessions read:runs:x admin:sessions read:sessions:%FF") == [])
        #expect(
            Caller.grants("read:sessions:a:b write:sessions read:sessions:* read:sessions:%C3%A9") == [
                .init(access: .read, session: "a:b"), .init(access: .read, session: "*"),
                .init(access: .write, session: nil),
                .init(access: .read, session: "é"),
            ])
    }
}
