import Foundation
import JWTKit

/// The keys that JSON web tokens (RFC 7519) may be signed with, all valid at once, so that they can be rotated: the public
/// keys of PEM blocks for ES256, or else one secret a line for HS256. A token's algorithm must be that of the key.
struct TokenKeys: Sendable {
    /// What a token says.
    struct Claims: JWTPayload {
        var sub: String
        /// Seconds since 1970.
        var exp: Double
        var nbf: Double?
        var scope: String?

        /// The signature is all that the library checks; times are compared with the caller's clock.
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    /// No token can be checked with what was given.
    struct Unusable: Error, CustomStringConvertible {
        let reason: String
        var description: String { "'jwt-key' can't be used: \(reason)" }
    }

    private let algorithm: String
    private let keys: [JWTKeyCollection]
    /// How many of the secrets are shorter than HS256 asks for (RFC 7518, 3.2): they are easier to guess than to break.
    let shortSecrets: Int
    static let secretBytes = 32

    init(_ text: String) async throws {
        var keys: [JWTKeyCollection] = []
        var shortSecrets = 0
        if text.contains("-----BEGIN") {
            algorithm = "ES256"
            for block in Self.blocks(in: text) {
                let key: ES256PublicKey
                do {
                    key = try ES256PublicKey(pem: block)
                } catch {
                    throw Unusable(reason: "a PEM block of it is no public key of the curve P-256")
                }
                keys.append(await JWTKeyCollection().add(ecdsa: key))
            }
        } else {
            algorithm = "HS256"
            for line in text.split(whereSeparator: \.isNewline) {
                let secret = line.trimmingCharacters(in: .whitespaces)
                guard !secret.isEmpty else { continue }
                if secret.utf8.count < Self.secretBytes { shortSecrets += 1 }
                // RFC 2104 fills a short key up with zeros, which the library leaves to its caller.
                let missing = max(0, Self.secretBytes - secret.utf8.count)
                let filled = Array(secret.utf8) + Array(repeating: 0, count: missing)
                keys.append(await JWTKeyCollection().add(hmac: HMACKey(from: Data(filled)), digestAlgorithm: .sha256))
            }
        }
        guard !keys.isEmpty else { throw Unusable(reason: "there is no key in it") }
        self.keys = keys
        self.shortSecrets = shortSecrets
    }

    /// The token's claims, if one of the keys has signed it; times are not looked at.
    func verified(_ token: String) async -> Claims? {
        guard Self.algorithm(of: token) == algorithm else { return nil }
        for key in keys {
            if let claims = try? await key.verify(token, as: Claims.self) { return claims }
        }
        return nil
    }

    /// What the token says that it is signed by.
    private static func algorithm(of token: String) -> String? {
        var text = token.prefix { $0 != "." }.replacingOccurrences(of: "-", with: "+")
            .replacingOccurrences(of: "_", with: "/")
        while text.utf8.count % 4 != 0 { text += "=" }
        struct Header: Decodable { var alg: String }
        return Data(base64Encoded: text).flatMap { try? JSONDecoder().decode(Header.self, from: $0) }?.alg
    }

    private static func blocks(in text: String) -> [String] {
        let end = "-----END PUBLIC KEY-----"
        return text.components(separatedBy: end).dropLast().map {
            $0.trimmingCharacters(in: .whitespacesAndNewlines) + "\n" + end
        }
    }
}
