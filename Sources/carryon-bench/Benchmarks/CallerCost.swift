import Foundation
import Glibc
import Logging
import Synchronization
import Telemetry
import TestSupport
import Tracing

/// What telemetry costs whoever calls it, when what it is sent to is of no use.
enum CallerCost {
    static func measure(isQuick: Bool) async throws -> [Measurement] {
        let silent = try SilentServer()
        defer { silent.close() }
        let dead = "http://127.0.0.1:\(try LoopbackSocket.freePort())"
        let count = isQuick ? 20_000 : 400_000
        return try await measure("endpoint that is dead", dead, count)
            + (try await measure("endpoint that never answers", "http://127.0.0.1:\(silent.port)", count))
    }

    private static func measure(_ variant: String, _ endpoint: String, _ count: Int) async throws -> [Measurement] {
        Progress.say("telemetry, \(variant)")
        let registry = MetricsRegistry(now: { Int64(Date().timeIntervalSince1970 * 1000) })
        let spans = SpanBuffer()
        let recorder = SpanRecorder { spans.add($0) }
        let unsampled = SpanRecorder(sampledShare: 0) { spans.add($0) }
        var logger = Logger(label: "carryon-bench")
        logger.logLevel = .critical
        let exporter = OTLPExporter(
            OTLPExporter.Options(endpoint: endpoint, resource: OTLPEncoding.Resource([])), spans: spans,
            registry: registry, counting: registry, now: { Int64(Date().timeIntervalSince1970 * 1000) }, logger: logger)
        let finished = try Self.finishedSpan()
        let exporting = Task { await exporter.run() }
        var context = ServiceContext.topLevel
        context.place = WorkPlace(conversationID: "a-session", request: (0, 0))
        let figures = ServiceContext.withValue(context) {
            [
                row(variant, "a span of five attributes", count) {
                    let span = recorder.startSpan("a span")
                    span.describe([
                        ("one", "a"), ("two", "b"), ("three", "c"), ("four", .int64(4)), ("five", .int64(5)),
                    ])
                    span.end()
                },
                row(variant, "the same, ended and queued", count) { spans.add(finished) },
                row(variant, "a span of a trace that is not sampled", count) {
                    let span = unsampled.startSpan("a span")
                    span.end()
                },
                row(variant, "a counter", count) {
                    registry.add(to: MetricCatalog.toolCalls, LabelValues("a-tool", "ok"))
                },
                row(variant, "a distribution", count) {
                    registry.record(0.01, of: MetricCatalog.toolDuration, LabelValues("a-tool"))
                },
            ]
        }
        exporting.cancel()
        await exporting.value
        return figures
    }

    /// One to put into the queue again and again.
    private static func finishedSpan() throws -> FinishedSpan {
        let kept = Mutex<FinishedSpan?>(nil)
        SpanRecorder { span in kept.withLock { $0 = span } }.startSpan("a span").end()
        guard let finished = kept.withLock({ $0 }) else { throw BenchmarkFailure("span", "a span was not kept") }
        return finished
    }

    private static func row(_ variant: String, _ name: String, _ count: Int, _ body: () -> Void) -> Measurement {
        for _ in 0..<(count / 10) { body() }
        // Of this thread alone: the exporter's work is none of the caller's.
        let before = clock_gettime_nsec(CLOCK_THREAD_CPUTIME_ID)
        for _ in 0..<count { body() }
        let passed = clock_gettime_nsec(CLOCK_THREAD_CPUTIME_ID) - before
        return Measurement(variant, name, passed / Double(count), "ns", "CPU of the caller; aim 1,000")
    }

    private static func clock_gettime_nsec(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}

/// Takes connections and whatever comes over them, and says nothing.
private final class SilentServer: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = descriptor
        let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                // Never accepted: the kernel takes the connections and what fits into their buffers.
                bind(descriptor, address, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        guard isOpen else { throw BenchmarkFailure("socket", "no socket can be listened at") }
    }

    func close() { _ = Glibc.close(descriptor) }
}
