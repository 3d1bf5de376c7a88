import Conversation
import Glibc
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import HTTPTypes
package import Kafka
package import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
package import SessionStore
package import Telemetry

/// The service's HTTP side: requests in, events out, and what the store knows.
package final class Gateway: Service, Sendable {
    private let options: GatewayOptions
    private let store: any SessionStore
    private let producer: KafkaProducer
    private let reader: KafkaReader
    private let hub: EventHub
    private let streams: EventStreams
    private let operations: GatewayOperations
    private let logger: Logger
    private let metrics: MetricsRegistry?
    private let onServing: @Sendable (_ port: Int) -> Void

    /// - Parameters:
    ///   - kafka: properties of the brokers' clients.
    ///   - operations: what an operator is shown that the store does not know.
    ///   - metrics: what this process has counted, to be served.
    ///   - onServing: called with the port once calls are taken.
    /// - Throws: a `KafkaError` for a property that librdkafka refuses.
    package init(
        options: GatewayOptions, store: any SessionStore, kafka: KafkaProperties,
        operations: GatewayOperations = .none, metrics: MetricsRegistry? = nil, logger: Logger,
        onServing: @escaping @Sendable (_ port: Int) -> Void = { _ in }
    ) throws {
        self.options = options
        self.store = store
        self.operations = operations
        self.metrics = metrics
        self.logger = logger
        self.onServing = onServing
        let defaults: KafkaProperties = [
            "linger.ms": "1", "message.timeout.ms": "\(options.acknowledgementTimeout.components.seconds * 1000)",
            // The brokers decide how large a record may be.
            "message.max.bytes": "\(options.maxBodyBytes + (1 << 20))",
        ]
        producer = try KafkaProducer(defaults.merging(kafka), logger: logger)
        reader = try KafkaReader(kafka, logger: logger)
        let history = EventHistory(topic: options.eventsTopic, reader: reader, store: store)
        hub = EventHub(
            topic: options.eventsTopic, properties: kafka, store: store, history: history,
            ringBytes: options.ringBytes, patience: options.acknowledgementTimeout, logger: logger)
        streams = EventStreams(
            hub: hub, history: history, heartbeat: options.heartbeat, patience: options.readerPatience)
    }

    /// Serves until the group asks for a graceful shutdown or the task is cancelled.
    /// - Throws: an `IOError` if it can't listen at the address.
    package func run() async throws {
        let hub = hub
        let following = Task { await hub.run() }
        let watching = Task { [streams, options] in await streams.watches.run(timeout: options.readerTimeout) }
        var failure: (any Error)?
        do {
            try await withGracefulShutdownHandler {
                try await serve()
            } onGracefulShutdown: {
                // Readers come back by themselves; a connection that streams would never end.
                Task { await hub.close() }
            }
        } catch {
            failure = error
        }
        watching.cancel()
        await hub.close()
        await following.value
        await reader.close()
        await producer.close()
        if let failure { throw failure }
    }

    private func serve() async throws {
        let authenticator = try await Authenticator(apiKeys: options.apiKeys, jwtKey: options.jwtKey)
        if authenticator.shortSecrets > 0 {
            logger.warning(
                "Secrets of 'jwt-key' are shorter than HS256 asks for: who has a token can guess them.",
                metadata: ["secrets": "\(authenticator.shortSecrets)", "bytes": "\(TokenKeys.secretBytes)"])
        }
        let builder = try server()
        do {
            try await application(authenticator, builder, port: options.port).run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE && options.mayMove {
            try await application(authenticator, builder, port: 0).run()
        }
    }

    private func server() throws -> HTTPServerBuilder {
        let timeout = TimeAmount(options.requestTimeout)
        // A body that is too large is refused before that, and the rest of it is read away.
        let limit = options.maxBodyBytes + (1 << 20)
        var configuration = HTTP1Channel.Configuration(
            additionalChannelHandlers: [RequestDeadline(timeout: timeout, limit: limit)])
        configuration.httpDecoder.maxHeaderListSize = 64 << 10
        configuration.httpDecoder.maxHeaderFieldSize = 32 << 10
        configuration.httpDecoder.maxHeaderFieldCount = 100
        guard let certificate = options.certificate else { return .http1(configuration: configuration) }
        let chain = try NIOSSLCertificate.fromPEMFile(certificate.chain).map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(file: certificate.key, format: .pem)
        var tls = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: .privateKey(key))
        tls.minimumTLSVersion = .tlsv12
        return try .tls(.http1(configuration: configuration), tlsConfiguration: tls)
    }

    private func application(
        _ authenticator: Authenticator, _ builder: HTTPServerBuilder, port: Int
    ) -> some ApplicationProtocol {
        var quiet = logger
        // What the library says of its own start is said by us, in our words.
        quiet.logLevel = max(logger.logLevel, .warning)
        return Application(
            router: router(authenticator), server: builder,
            configuration: ApplicationConfiguration(
                address: .hostname(options.host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(options.maxConnections)),
            onServerRunning: { [onServing] channel in
                onServing(channel.localAddress?.port ?? port)
            }, logger: quiet)
    }

    private func router(_ authenticator: Authenticator) -> Router<GatewayContext> {
        let router = Router(context: GatewayContext.self)
        let origins = Set(options.corsOrigins)
        router.add(middleware: HeaderMiddleware(origins: origins, isEncrypted: options.certificate != nil))
        router.add(middleware: CallCounter())
        router.add(middleware: CallSpans())
        router.add(middleware: ErrorMiddleware())
        router.get("healthz") { _, _ in Response(["status": "ok"]) }
        router.get("readyz") { [self] _, _ in try await readiness() }
        router.get("status") { [hub, streams] _, _ in
            let figures = await hub.figures
            return Response([
                "readers": .number(JSONNumber(streams.watches.count)),
                "sessions": .number(JSONNumber(figures.sessions)),
                "partitions": .number(JSONNumber(figures.partitions)),
            ])
        }
        if let metrics {
            router.get("metrics") { [streams] request, _ in
                let readers = MetricSample(MetricCatalog.readers, Double(streams.watches.count))
                return Response(metrics, [readers], for: request)
            }
        }
        let calls = router.group("v1").add(
            middleware: AuthenticationMiddleware(
                authenticator: authenticator,
                limiter: options.rateLimit > 0 ? RateLimiter(rate: options.rateLimit) : nil, origins: origins))
        let sessions = calls.group("sessions")
        let sender = RequestSender(topic: options.requestsTopic, producer: producer, store: store) {
            [hub] session, partition in
            await hub.sent(session, partition)
        }
        RequestRoutes(sender: sender, maxBodyBytes: options.maxBodyBytes).add(to: sessions)
        EventRoutes(streams: streams).add(to: sessions)
        ChatRoutes(sender: sender, streams: streams, store: store, maxBodyBytes: options.maxBodyBytes)
            .add(to: calls.group("chat"))
        let stored = StoreRoutes(store: store)
        stored.addSessions(to: sessions)
        stored.addRuns(to: calls.group("runs"))
        OperationsRoutes(operations: operations, maxBodyBytes: options.maxBodyBytes).add(to: calls)
        if options.servesPage { PageRoute().add(to: router) }
        return router
    }

    /// Whether the store can be reached and the producer is of use.
    private func readiness() async throws -> Response {
        var checks: [JSON] = []
        func check(_ name: String, _ failure: (any Error)?) {
            var object: JSONObject = ["name": .string(name), "ok": .bool(failure == nil)]
            if let failure {
                // Everybody may ask, so the reason goes to the log.
                object["detail"] = "it can't be used at the moment; the log says why"
                logger.warning("The gateway is not ready.", metadata: ["check": "\(name)", "error": "\(failure)"])
            }
            checks.append(.object(object))
        }
        var storeFailure: (any Error)?
        do {
            try await store.probe()
        } catch {
            storeFailure = error
        }
        check("store", storeFailure)
        check("producer", producer.fatal)
        let isReady = storeFailure == nil && producer.fatal == nil
        return Response(
            ["status": isReady ? "ok" : "failing", "checks": .array(checks)],
            status: isReady ? .ok : .serviceUnavailable)
    }
}
