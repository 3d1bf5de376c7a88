import Consumer
import Conversation
import Gateway
import Glibc
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import Telemetry

/// What an operator's probes and eyes are served: `/healthz`, `/readyz` and `/status` as
/// JSON, and `/metrics` as Prometheus reads it; and the calls under `/admin` that change what the worker does.
///
/// 200 if all is well, 503 if not; the body says why in both cases. Nothing of what it serves is a message's text.
struct AdminServer: Service {
    let address: ListenAddress
    /// Another port will do if this one is taken, as it is by the second worker of a machine.
    let mayMove: Bool
    let logger: Logger
    let metrics: MetricsRegistry
    /// Asked at each request.
    let report: @Sendable () -> WorkerReport
    let routes: AdminRoutes

    /// - Throws: ``CommandFailure`` if somebody else listens at the address.
    func run() async throws {
        do {
            try await application(port: address.port).run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            guard mayMove else {
                throw CommandFailure(.usage, "'admin-address' is \(address), where somebody else listens already")
            }
            try await application(port: 0).run()
        }
    }

    private func application(port: Int) -> some ApplicationProtocol {
        let router = Router()
        router.get("healthz") { [report] _, _ in
            let report = report()
            return Response(report.liveness, status: report.health.isAlive ? .ok : .serviceUnavailable)
        }
        router.get("readyz") { [report] _, _ in
            let report = report()
            return Response(report.readiness, status: report.health.isReady ? .ok : .serviceUnavailable)
        }
        router.get("status") { [report] _, _ in Response(report().everything) }
        router.get("metrics") { [report, metrics] request, _ in
            Response(metrics, report().samples, for: request)
        }
        routes.add(to: router)
        var quiet = logger
        // What the library says of its own start is said below, in our words.
        quiet.logLevel = max(logger.logLevel, .warning)
        return Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname(address.host, port: port)),
            onServerRunning: { [address, logger] channel in
                let port = channel.localAddress?.port ?? port
                logger.notice(
                    "Health and status are served.",
                    metadata: ["address": "\(ListenAddress(host: address.host, port: port))"])
            }, logger: quiet)
    }
}
