import Conversation
import Hummingbird
import Kafka
import Logging
import SessionStore
import Telemetry

/// Answers every failure in the protocol's form. What a caller can't help is logged, and not told.
struct ErrorMiddleware: RouterMiddleware {
    func handle(
        _ request: Request, context: GatewayContext,
        next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as CancellationError {
            throw error
        } catch {
            return GatewayError(error, of: request, logger: context.logger).response
        }
    }
}

extension GatewayError {
    /// What `error` amounts to for the caller of `request`.
    init(_ error: any Error, of request: Request, logger: Logger) {
        switch error {
        case let error as GatewayError: self = error
        case let error as RequestError: self.init(error)
        case let error as StoreError where error.code == .invalidCursor:
            self.init(.badRequest, "invalid_cursor", "The cursor is none that a list has given.", param: "cursor")
        case let error as StoreError where error.isTransient || error.code == .closed:
            MetricCatalog.storeFailures.add()
            logger.warning("The session store is away.", metadata: ["error": "\(error)"])
            self = .unavailable("session store")
        case let error as KafkaError where error.isMessageTooLarge:
            self.init(.contentTooLarge, "body_too_large", "The brokers do not take a request of this size.")
        case let error as KafkaError where error.isRetriable || error.isClosed:
            logger.warning("The brokers are away.", metadata: ["error": "\(error)"])
            self = .unavailable("broker")
        case let error as any HTTPResponseError: self.init(error, of: request)
        default:
            logger.error("A call failed.", metadata: ["error": "\(error)", "path": "\(request.uri.path)"])
            self.init(.internalServerError, "internal", "Something went wrong here; the log of the gateway says what.")
        }
    }

    private init(_ error: any HTTPResponseError, of request: Request) {
        switch error.status {
        case .notFound: self.init(.notFound, "not_found", "There is no such call.")
        case .contentTooLarge: self = .bodyTooLarge
        default: self.init(error.status, "bad_request", "The request could not be read.")
        }
    }

    private init(_ error: RequestError) {
        var details: JSONObject = [:]
        if error.code == "idempotency_key_too_long" {
            details["maximum"] = .number(JSONNumber(Conversation.Request.maximumIdempotencyKeyLength))
        }
        self.init(.badRequest, error.code, error.message, param: error.param, details: details)
    }

    static var bodyTooLarge: GatewayError {
        GatewayError(.contentTooLarge, "body_too_large", "The body is larger than is taken here.")
    }
}
