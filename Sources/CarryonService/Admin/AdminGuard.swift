import Gateway
import Hummingbird

/// Decides who may change something at the admin address. Whoever reaches it may look.
struct AdminGuard: Sendable {
    private let key: Authenticator?
    private let isOnLoopback: Bool

    /// - Parameters:
    ///   - key: what a change has to bring; nil lets everybody on this machine make changes, and nobody else.
    ///   - address: where the admin address is.
    init(key: String?, address: ListenAddress) {
        self.key = key.map { Authenticator(apiKeys: [$0]) }
        isOnLoopback = address.onLoopback == address
    }

    /// - Throws: the refusal, a `GatewayError`.
    func check(_ request: Request) async throws {
        try request.requireOwnOrigin()
        if let key { return try await key.require(request) }
        guard isOnLoopback else {
            throw GatewayError(
                .forbidden, "admin_key_needed",
                "Changes are taken on loopback only, unless 'admin-key' is set at the worker.")
        }
        try request.requireLoopbackName()
    }
}
