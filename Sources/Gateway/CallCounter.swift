import Hummingbird
import Telemetry

/// Counts the calls by what they were answered with; a stream is counted when it begins.
struct CallCounter: RouterMiddleware {
    func handle(
        _ request: Request, context: GatewayContext,
        next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let response = try await next(request, context)
        MetricCatalog.calls.add(1, request.method.rawValue, "\(response.status.code)")
        return response
    }
}
