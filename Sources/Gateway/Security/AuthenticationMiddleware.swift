import HTTPTypes
import Hummingbird

/// Puts who calls into the context, or refuses; and bounds how often somebody may.
struct AuthenticationMiddleware: RouterMiddleware {
    let authenticator: Authenticator
    let limiter: RateLimiter?
    /// Web pages of these origins may call.
    let origins: Set<String>

    func handle(
        _ request: Request, context: GatewayContext,
        next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        if authenticator.isOpen { try checkOrigin(of: request) }
        do {
            context.caller = try await authenticator.caller(of: request)
        } catch {
            // Guesses are bounded by where they come from.
            try limit(context.remoteAddress ?? "somebody")
            throw error
        }
        try limit(authenticator.isOpen ? context.remoteAddress ?? "somebody" : context.caller.name)
        return try await next(request, context)
    }

    private func limit(_ caller: String) throws {
        guard let wait = limiter?.take(caller) else { return }
        throw GatewayError(
            .tooManyRequests, "rate_limited", "There were too many calls; try again later.", retryAfter: wait)
    }

    /// Without a key, everybody on this machine may call, and that is also whatever page a browser on it shows: a page
    /// from elsewhere is refused, and so is a name that somebody else has pointed to this machine.
    private func checkOrigin(of request: Request) throws {
        try request.requireLoopbackName()
        try request.requireOwnOrigin(besides: origins)
    }
}
