import AsyncHTTPClient
import CoreMetrics
package import Logging
import NIOCore
import NIOHTTP1
import Tracing

/// Sends spans and metrics to a collector by OTLP over HTTP, in protobuf. Nothing of the service waits for it: what a slow or
/// absent collector does not take is dropped, counted, and said now and then.
package struct OTLPExporter: Sendable {
    package struct Options: Sendable {
        /// Without a path: `http://collector:4318`.
        package var endpoint: String
        package var headers: [(name: String, value: String)]
        package var resource: OTLPEncoding.Resource
        package var spanInterval = Duration.seconds(1)
        package var metricInterval = Duration.seconds(10)
        package var timeout = Duration.seconds(10)
        /// How long the end may take.
        package var lastWords = Duration.seconds(3)

        package init(
            endpoint: String, headers: [(name: String, value: String)] = [], resource: OTLPEncoding.Resource
        ) {
            self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
            self.headers = headers
            self.resource = resource
        }
    }

    private let options: Options
    private let spans: SpanBuffer
    private let registry: MetricsRegistry?
    private let samples: @Sendable () -> [MetricSample]
    private let now: @Sendable () -> Int64
    private let dropped: any FloatingPointCounterHandler
    private let logger: Logger

    /// - Parameters:
    ///   - registry: what is exported of it, with `samples`; `nil` exports spans only.
    ///   - counting: where dropped spans are counted.
    ///   - now: milliseconds since 1970.
    package init(
        _ options: Options, spans: SpanBuffer, registry: MetricsRegistry?, counting: MetricsRegistry,
        samples: @escaping @Sendable () -> [MetricSample] = { [] }, now: @escaping @Sendable () -> Int64, logger: Logger
    ) {
        self.options = options
        self.spans = spans
        self.registry = registry
        self.samples = samples
        self.now = now
        self.logger = logger
        dropped = counting.makeFloatingPointCounter(label: MetricCatalog.droppedSpans.name, dimensions: [])
    }

    /// Exports until the task is cancelled, and then what is left, for ``Options/lastWords`` at most.
    package func run() async {
        let begin = UInt64(now()) * 1_000_000
        var nextMetrics = ContinuousClock.now + options.metricInterval
        var complaint = Complaint(logger: logger, endpoint: options.endpoint)
        while !Task.isCancelled {
            if complaint.isAway {
                // There is a batch soon again, and nobody to take it.
                try? await Task.sleep(for: options.spanInterval)
            } else {
                await spans.waitForBatch(atMost: options.spanInterval)
            }
            // What is left then is sent below.
            if Task.isCancelled { break }
            await sendSpans(until: nil, &complaint)
            if ContinuousClock.now >= nextMetrics {
                nextMetrics = .now + options.metricInterval
                await sendMetrics(begin, until: nil, &complaint)
            }
        }
        var last = complaint
        // A cancelled task's calls would be cancelled too.
        await Task {
            let end = ContinuousClock.now + options.lastWords
            // The figures first: they are all of them, and the spans only the last ones.
            await sendMetrics(begin, until: end, &last)
            await sendSpans(until: end, &last)
        }.value
    }

    private func sendSpans(until end: ContinuousClock.Instant?, _ complaint: inout Complaint) async {
        while end.map({ ContinuousClock.now < $0 }) ?? true {
            let (taken, lost) = spans.take(atMost: SpanBuffer.batch)
            if lost > 0 { dropped.increment(by: Double(lost)) }
            guard !taken.isEmpty else { return }
            let failure = await post(OTLPEncoding.traces(taken, options.resource), to: "/v1/traces", until: end)
            complaint.note(failure)
            if failure != nil {
                dropped.increment(by: Double(taken.count))
                return
            }
            // What is left over waits for company, except at the end.
            if end == nil, spans.count < SpanBuffer.batch { return }
        }
    }

    private func sendMetrics(
        _ begin: UInt64, until end: ContinuousClock.Instant?, _ complaint: inout Complaint
    ) async {
        guard let registry else { return }
        let body = OTLPEncoding.metrics(
            registry, samples(), options.resource, begin: begin, now: UInt64(now()) * 1_000_000)
        complaint.note(await post(body, to: "/v1/metrics", until: end))
    }

    /// - Returns: what went wrong, in words.
    private func post(_ body: [UInt8], to path: String, until end: ContinuousClock.Instant?) async -> String? {
        let timeout = end.map { min($0 - .now, options.timeout) } ?? options.timeout
        var request = HTTPClientRequest(url: options.endpoint + path)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-protobuf")
        for header in options.headers { request.headers.add(name: header.name, value: header.value) }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await ServiceContext.withValue(Self.unseen) {
                try await HTTPClient.shared.execute(
                    request, timeout: .nanoseconds(max(1, Int64(timeout / .nanoseconds(1)))))
            }
            // Read away, so that the connection can be used again.
            _ = try? await response.body.collect(upTo: 1 << 20)
            return (200..<300).contains(response.status.code) ? nil : "it answers \(response.status.code)"
        } catch is CancellationError {
            // The end, and no failure of the collector's; what was on its way is counted as dropped.
            return Self.cutOff
        } catch {
            return "\(error)"
        }
    }

    /// The client makes a span of each call: of an export, it would be what there is to export next, for ever.
    private static let unseen: ServiceContext = {
        var context = ServiceContext.topLevel
        context.trace = TraceContext(
            traceID: TraceIdentifiers.nextTrace(), spanID: TraceIdentifiers.next(), isSampled: false)
        return context
    }()

    private static let cutOff = "the process ends"

    /// Says that a collector is away when it goes and when it is back, and no more than that.
    private struct Complaint {
        let logger: Logger
        let endpoint: String
        var isAway = false

        mutating func note(_ failure: String?) {
            guard isAway != (failure != nil), failure != OTLPExporter.cutOff else { return }
            isAway.toggle()
            if let failure {
                logger.warning(
                    "Telemetry can't be exported; what comes meanwhile is dropped.",
                    metadata: ["endpoint": "\(endpoint)", "error": "\(failure)"])
            } else {
                logger.notice("Telemetry is exported again.", metadata: ["endpoint": "\(endpoint)"])
            }
        }
    }
}
