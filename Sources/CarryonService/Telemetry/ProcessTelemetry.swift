import CoreMetrics
import Logging
import Telemetry
import Tracing

/// What this process counts and traces. To be made once, at the process's start, since the libraries that an agent may
/// use as well know one back end only.
struct ProcessTelemetry: Sendable {
    let registry: MetricsRegistry
    private let spans = SpanBuffer()
    private let exporting: OTLPExporter.Options?

    /// Makes the process's back ends. Where a program has given the libraries others already, those stay: they take one
    /// each, and a second would end the process.
    /// - Parameter instance: which of the service's processes this is; by default, its machine and number.
    static func start(_ settings: Settings, instance: String = Worker.name) -> ProcessTelemetry {
        let telemetry = ProcessTelemetry(settings, instance: instance)
        if settings.metrics, MetricsSystem.factory is NOOPMetricsHandler { telemetry.registry.bootstrap() }
        if telemetry.exporting != nil, InstrumentationSystem.tracer is NoOpTracer {
            let spans = telemetry.spans
            let share = Double(settings.traceSamplePercent) / 100
            SpanRecorder(sampledShare: share, recordsTexts: settings.traceMessageTexts) { spans.add($0) }.bootstrap()
        }
        return telemetry
    }

    private init(_ settings: Settings, instance: String) {
        registry = MetricsRegistry(labelsConversation: settings.metricsConversationID, now: wallClock)
        exporting = settings.otlpEndpoint.map { endpoint in
            var attributes = [
                ("service.name", "carryon"), ("service.version", Carryon.version), ("service.instance.id", instance),
            ]
            if let region = settings.region { attributes.append(("cloud.region", region)) }
            return OTLPExporter.Options(
                endpoint: endpoint, headers: settings.exportHeaders,
                resource: OTLPEncoding.Resource(attributes.map { (name: $0.0, value: $0.1) }))
        }
    }

    /// Exports for as long as `body` takes, and then what is left.
    /// - Parameter samples: what the process has at the moment.
    func exporting(
        logger: Logger, samples: @escaping @Sendable () -> [MetricSample] = { [] }, _ body: () async throws -> Void
    ) async throws {
        let running = Task { await export(logger: logger, samples: samples) }
        var failure: (any Error)?
        do { try await body() } catch { failure = error }
        running.cancel()
        await running.value
        if let failure { throw failure }
    }

    /// Exports until the task is cancelled, and then what is left; returns at once if nothing is to be exported.
    /// - Parameters:
    ///   - exportsMetrics: whether the process's metrics are exported too, as those of a turn host are by its worker.
    ///   - samples: what the process has at the moment.
    func export(
        exportsMetrics: Bool = true, logger: Logger, samples: @escaping @Sendable () -> [MetricSample] = { [] }
    ) async {
        guard let exporting else { return }
        await OTLPExporter(
            exporting, spans: spans, registry: exportsMetrics ? registry : nil, counting: registry, samples: samples,
            now: wallClock, logger: logger
        ).run()
    }
}

extension Settings {
    /// The headers of an export, as `NAME=VALUE` each.
    fileprivate var exportHeaders: [(name: String, value: String)] {
        otlpHeaders.compactMap { pair in
            let halves = pair.split(separator: "=", maxSplits: 1)
            return halves.count == 2 ? (String(halves[0]), String(halves[1])) : nil
        }
    }
}
