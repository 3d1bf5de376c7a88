import Crypto
import Foundation
import Gateway
import HTTPTypes
import Hummingbird

/// Decides who may change something at the admin address. Whoever reaches it may look.
struct AdminGuard: Sendable {
    /// A digest, because comparing two of them takes the same time wherever they differ.
    private let key: SHA256.Digest?
    private let isOnLoopback: Bool

    /// - Parameters:
    ///   - key: what a change has to bring; nil lets everybody on this machine make changes, and nobody else.
    ///   - address: where the admin address is.
    init(key: String?, address: ListenAddress) {
        self.key = key.map { SHA256.hash(data: Data($0.utf8)) }
        isOnLoopback = address.onLoopback == address
    }

    /// - Throws: the refusal.
    func check(_ request: Request) throws(AdminError) {
        try checkOrigin(of: request)
        if let key { return try check(request.headers[.authorization], against: key) }
        guard isOnLoopback else {
            throw AdminError(
                .forbidden, "admin_key_needed",
                "Changes are taken on loopback only, unless 'admin-key' is set at the worker.")
        }
        // A name that somebody else has pointed to this machine brings their pages here as same-origin ones.
        let authority = request.head.authority ?? ""
        let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        guard ["localhost", "[::1]"].contains(host) || LoopbackName.isAddress(host) else {
            throw AdminError(
                .forbidden, "foreign_host", "Without a key, changes are asked for by a loopback name only.",
                param: "host")
        }
    }

    private func check(_ header: String?, against key: SHA256.Digest) throws(AdminError) {
        guard let header else {
            throw AdminError(
                .unauthorized, "missing_token", "A change needs the admin key: Authorization: Bearer KEY.",
                param: "authorization")
        }
        let words = header.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer",
            SHA256.hash(data: Data(words[1].trimmed.utf8)) == key
        else {
            throw AdminError(.unauthorized, "invalid_token", "That is not the admin key.", param: "authorization")
        }
    }

    /// A page in a browser on this machine could otherwise post here, whoever has written it.
    private func checkOrigin(of request: Request) throws(AdminError) {
        guard let origin = request.headers[.origin] else { return }
        let authority = request.head.authority ?? ""
        guard !authority.isEmpty, origin == "http://\(authority)" || origin == "https://\(authority)" else {
            throw AdminError(.forbidden, "foreign_origin", "Pages of that origin may not call here.", param: "origin")
        }
    }
}

extension Substring {
    fileprivate var trimmed: String { String(self).trimmed }
}
