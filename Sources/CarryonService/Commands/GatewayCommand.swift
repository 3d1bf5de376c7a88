import ArgumentParser
import Gateway
import Logging
import NIOCore
import ServiceLifecycle
import SessionStore
import UnixSignals

/// `carryon gateway`: HTTP in front of the topics and the store.
struct GatewayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gateway",
        abstract: "Serves HTTP: takes requests, streams events, and shows what the store holds.")

    func run() async throws {
        let settings = try Invocation.required().settings
        let logger = settings.makeLogger("carryon.gateway")
        let options = try settings.gatewayOptions(logger: logger)
        try await TopicCheck(settings: settings, properties: settings.kafkaProperties(), logger: logger).run()
        let store = try settings.openStore()
        let telemetry = ProcessTelemetry.start(settings)
        let gateway = try Gateway(
            options: options, store: store, kafka: settings.kafkaProperties(),
            operations: settings.operations(workers: settings.workers, logger: logger), metrics: telemetry.registry,
            logger: logger
        ) { port in
            logger.notice(
                "The gateway is open.", metadata: ["address": "\(ListenAddress(host: options.host, port: port))"])
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: gateway)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await telemetry.exporting(logger: logger) { try await Self.run(group, at: options) }
        try await store.close()
    }

    /// Runs the services, and says in the settings' words if the gateway can't listen.
    static func run(_ group: ServiceGroup, at options: GatewayOptions) async throws {
        do {
            try await group.run()
        } catch let error as IOError {
            throw CommandFailure(
                .usage,
                "'gateway-address' is \(options.host):\(options.port), where the gateway can't listen: \(error)")
        }
    }
}

extension Settings {
    /// What a gateway is told. Without a key it listens on loopback only, whatever its address says.
    /// - Throws: ``CommandFailure`` for a certificate without its key, or the other way round.
    func gatewayOptions(logger: Logger) throws -> GatewayOptions {
        let isOpen = apiKeys.isEmpty && jwtKey == nil
        let address = isOpen ? gatewayAddress.onLoopback : gatewayAddress
        if isOpen {
            logger.notice(
                "No key is configured: the gateway listens on loopback only, and is open to everybody on this machine.")
        }
        var options = GatewayOptions(
            host: address.host, port: address.port, requestsTopic: requestsTopic, eventsTopic: eventsTopic)
        options.mayMove = sources["gateway-address"] == nil
        options.apiKeys = apiKeys
        options.jwtKey = jwtKey
        options.corsOrigins = corsOrigins
        options.rateLimit = gatewayRateLimit
        options.maxConnections = gatewayMaxConnections
        switch (tlsCertificate, tlsKey) {
        case (let certificate?, let key?): options.certificate = (certificate, key)
        case (nil, nil): break
        default: throw CommandFailure(.usage, "'tls-certificate' and 'tls-key' go together")
        }
        options.servesPage = gatewayPage
        return options
    }
}

extension ListenAddress {
    /// Itself, if only this machine reaches it; otherwise the same port where only this machine does.
    var onLoopback: ListenAddress {
        if host == "localhost" || host == "::1" || LoopbackName.isAddress(host) { return self }
        return ListenAddress(host: host.contains(":") ? "::1" : "127.0.0.1", port: port)
    }
}
