import Hummingbird

/// Finds out who calls.
struct Authenticator: Sendable {
    let apiKeys: [String]
    let jwtKey: String?

    /// Whether no key is configured, so that everybody on this machine may do everything.
    var isOpen: Bool { apiKeys.isEmpty && jwtKey == nil }

    /// - Throws: a ``GatewayError`` if the call brings no token that is good.
    func caller(of request: Request) async throws -> Caller {
        if isOpen { return .owner("anybody") }
        throw GatewayError(.unauthorized, "unauthorized", "A valid token is needed.", param: "authorization")
    }
}
