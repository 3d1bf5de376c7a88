package import Hummingbird

extension Request {
    /// Refuses a call to a name that is none of this machine's own: somebody else may have pointed it here, and then a page
    /// of theirs calls as one from here does.
    package func requireLoopbackName() throws(GatewayError) {
        let authority = head.authority ?? ""
        let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        guard ["localhost", "[::1]"].contains(host) || LoopbackName.isAddress(host) else {
            throw GatewayError(
                .forbidden, "foreign_host", "Without a key, calls are taken by a loopback name only.", param: "host")
        }
    }

    /// Refuses a call of a page in a browser that comes from elsewhere.
    /// - Parameter origins: those whose pages may call besides.
    package func requireOwnOrigin(besides origins: Set<String> = []) throws(GatewayError) {
        guard let origin = headers[.origin], !origins.contains(origin) else { return }
        let authority = head.authority ?? ""
        guard !authority.isEmpty, origin == "http://\(authority)" || origin == "https://\(authority)" else {
            throw GatewayError(
                .forbidden, "foreign_origin", "Pages of that origin may not call here.", param: "origin")
        }
    }
}
