import Crypto
import Foundation
import HTTPTypes
package import Hummingbird

/// Finds out who calls, by the token of the header `Authorization` (RFC 6750).
package struct Authenticator: Sendable {
    /// Digests have one length, and comparing them takes the same time wherever they differ.
    private let apiKeys: [SHA256.Digest]
    private let tokens: TokenKeys?

    /// - Throws: ``TokenKeys/Unusable`` for a key that tokens can't be checked with.
    init(apiKeys: [String], jwtKey: String?) async throws {
        self.apiKeys = apiKeys.map { SHA256.hash(data: Data($0.utf8)) }
        if let jwtKey {
            tokens = try await TokenKeys(jwtKey)
        } else {
            tokens = nil
        }
    }

    /// Takes these keys only.
    package init(apiKeys: [String]) {
        self.apiKeys = apiKeys.map { SHA256.hash(data: Data($0.utf8)) }
        tokens = nil
    }

    /// How many of the secrets that sign tokens are too short to be good ones.
    var shortSecrets: Int { tokens?.shortSecrets ?? 0 }

    /// Whether no key is configured, so that everybody on this machine may do everything.
    var isOpen: Bool { apiKeys.isEmpty && tokens == nil }

    /// Refuses a call that brings no token that is good.
    /// - Throws: a ``GatewayError``.
    package func require(_ request: Request) async throws {
        _ = try await caller(of: request)
    }

    /// - Parameter now: the time of day in seconds since 1970.
    /// - Throws: a ``GatewayError`` if the call brings no token that is good.
    func caller(of request: Request, now: Double = Date().timeIntervalSince1970) async throws -> Caller {
        if isOpen { return .owner("anybody") }
        guard let header = request.headers[.authorization] else {
            throw Self.refusal("missing_token", "A token is needed: Authorization: Bearer TOKEN.")
        }
        let words = header.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else {
            throw Self.refusal("invalid_token", "The header is none of the form Authorization: Bearer TOKEN.")
        }
        let token = words[1].trimmingCharacters(in: .whitespaces)
        if let key = keyNumber(token) { return .owner("key-\(key + 1)") }
        guard let tokens, token.utf8.count(where: { $0 == UInt8(ascii: ".") }) == 2 else {
            throw Self.refusal("invalid_token", "The token is not known here.")
        }
        guard let claims = await tokens.verified(token) else {
            throw Self.refusal("invalid_token", "The token is not signed by a key that is known here.")
        }
        guard claims.exp > now else { throw Self.refusal("token_expired", "The token has expired.") }
        guard claims.nbf ?? 0 <= now else { throw Self.refusal("invalid_token", "The token is not valid yet.") }
        guard !claims.sub.isEmpty else { throw Self.refusal("invalid_token", "The token has no subject.") }
        return Caller(name: "subject \(claims.sub)", grants: Caller.grants(claims.scope ?? ""))
    }

    /// Which of the keys it is. All of them are looked at, whichever it is.
    private func keyNumber(_ token: String) -> Int? {
        let digest = SHA256.hash(data: Data(token.utf8))
        var found: Int?
        for (number, key) in apiKeys.enumerated() where key == digest { found = number }
        return found
    }

    private static func refusal(_ code: String, _ message: String) -> GatewayError {
        var error = GatewayError(.unauthorized, code, message, param: "authorization")
        // RFC 6750, 3.1: no error code for a call without any token.
        error.headers[.wwwAuthenticate] =
            code == "missing_token" ? "Bearer" : "Bearer error=\"invalid_token\", error_description=\"\(message)\""
        return error
    }
}
