import HTTPTypes
import Hummingbird

/// The headers that every response has, and those that let pages of configured origins call (Fetch, 3.2: CORS).
struct HeaderMiddleware: RouterMiddleware {
    /// Web pages of these origins may call; of none, without any.
    let origins: Set<String>
    let isEncrypted: Bool

    func handle(
        _ request: Request, context: GatewayContext,
        next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let origin = request.headers[.origin].flatMap { origins.contains($0) ? $0 : nil }
        let isPreflight = request.method == .options && request.headers[.accessControlRequestMethod] != nil
        var response: Response
        if isPreflight, let origin {
            response = Response(status: .noContent)
            allow(origin, in: &response)
            response.headers[.accessControlAllowMethods] = "GET, POST"
            response.headers[.accessControlAllowHeaders] =
                "authorization, content-type, idempotency-key, last-event-id, traceparent, tracestate"
            response.headers[.accessControlMaxAge] = "600"
        } else {
            response = try await next(request, context)
            if let origin { allow(origin, in: &response) }
        }
        if !origins.isEmpty { response.headers[.vary] = "Origin" }
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.referrerPolicy] = "no-referrer"
        if response.headers[.contentSecurityPolicy] == nil {
            response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
        }
        if isEncrypted { response.headers[.strictTransportSecurity] = "max-age=31536000" }
        return response
    }

    private func allow(_ origin: String, in response: inout Response) {
        response.headers[.accessControlAllowOrigin] = origin
        response.headers[.accessControlExposeHeaders] = "retry-after, x-vercel-ai-ui-message-stream"
    }
}

extension HTTPField.Name {
    static let referrerPolicy = HTTPField.Name("referrer-policy") ?? .ifMatch
}
