import Foundation
import HTTPTypes
import Hummingbird
import Telemetry
import Tracing

/// A span for each call (OpenTelemetry, *Semantic conventions for HTTP spans*), a child of the caller's. That of a stream lasts
/// as long as the stream. Calls that only ask how the gateway is have none.
struct CallSpans: RouterMiddleware {
    private static let untraced: Set<String> = ["/healthz", "/readyz", "/metrics", "/status"]
    private static let methods: Set<String> = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

    func handle(
        _ request: Request, context: GatewayContext,
        next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        // Without a back end nothing is made of it.
        guard !(InstrumentationSystem.tracer is NoOpTracer), !Self.untraced.contains(request.uri.path) else {
            return try await next(request, context)
        }
        var parent = ServiceContext.topLevel
        InstrumentationSystem.instrument.extract(request.headers, into: &parent, using: TraceHeaders())
        parent.conversationID = Self.session(in: request.uri.path)
        let method = Self.methods.contains(request.method.rawValue) ? request.method.rawValue : "_OTHER"
        let span = startSpan(Self.name(method, nil), context: parent, ofKind: .server)
        if span.isRecording {
            span.attributes = [
                "http.request.method": .string(method), "url.path": .string(request.uri.path),
                "url.scheme": .string(request.head.scheme ?? "http"),
            ]
            span.updateAttributes { attributes in
                attributes["user_agent.original"] = request.headers[.userAgent]
                attributes["client.address"] = context.remoteAddress
            }
        }
        // The router's word for no route is none.
        func route() -> String? { context.endpointPath.flatMap { $0.hasPrefix("/") ? $0 : nil } }
        do {
            var response = try await ServiceContext.withValue(span.context) { try await next(request, context) }
            span.add(response.status, route: route(), method)
            guard response.body.contentLength == nil else {
                span.end()
                return response
            }
            let (body, streaming) = (response.body, SpanOfBody(span))
            response.body = ResponseBody { writer in
                defer { streaming.end() }
                try await body.write(writer)
            }
            return response
        } catch {
            // The caller is gone, or what came is no answer: there is no status to tell.
            span.setRoute(route(), method)
            span.updateAttributes { $0["error.type"] = "\(type(of: error))" }
            span.setStatus(SpanStatus(code: .error))
            span.end()
            throw error
        }
    }

    /// Of low cardinality: without a route, the method alone.
    fileprivate static func name(_ method: String, _ route: String?) -> String {
        let verb = method == "_OTHER" ? "HTTP" : method
        return route.map { "\(verb) \($0)" } ?? verb
    }

    /// The session that a call's path names.
    private static func session(in path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        guard parts.count >= 3, parts[0] == "v1", parts[1] == "sessions" || parts[1] == "chat" else { return nil }
        return String(parts[2]).removingPercentEncoding
    }
}

extension Span {
    fileprivate func setRoute(_ route: String?, _ method: String) {
        guard isRecording, let route else { return }
        operationName = CallSpans.name(method, route)
        attributes["http.route"] = route
    }

    fileprivate func add(_ status: HTTPResponse.Status, route: String?, _ method: String) {
        guard isRecording else { return }
        setRoute(route, method)
        updateAttributes { attributes in
            attributes["http.response.status_code"] = status.code
            // Other people's mistakes are none of the server's.
            if status.code >= 500 { attributes["error.type"] = "\(status.code)" }
        }
        if status.code >= 500 { setStatus(SpanStatus(code: .error)) }
    }
}

/// Ends a span when a stream is over, or is not going to be.
private final class SpanOfBody: Sendable {
    private let span: any Span

    init(_ span: any Span) { self.span = span }

    deinit { span.end() }

    func end() { span.end() }
}

/// Reads a caller's trace context. What is too long to be one is none.
private struct TraceHeaders: Extractor {
    func extract(key: String, from headers: HTTPFields) -> String? {
        HTTPField.Name(key).flatMap { headers[$0] }.flatMap { $0.utf8.count <= 512 ? $0 : nil }
    }
}
