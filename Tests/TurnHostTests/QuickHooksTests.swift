import Glibc
import Synchronization
import Telemetry
import Testing
import Tracing

@testable import ChatAgent

@Suite("Spans of hooks")
struct QuickHooksTests {
    private struct Failure: Error {}

    /// The spans that are over, and how many were begun.
    private final class Trace: Sendable {
        let finished = Mutex<[FinishedSpan]>([])
        let begun = Mutex(0)

        var hooks: QuickHooks {
            let recorder = SpanRecorder { span in self.finished.withLock { $0.append(span) } }
            return QuickHooks { name, ago in
                self.begun.withLock { $0 += 1 }
                let now = DefaultTracerClock.now.nanosecondsSinceEpoch
                let begin = DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: now - UInt64(ago / .nanoseconds(1)))
                return recorder.startSpan(name, context: .current ?? .topLevel, ofKind: .internal, at: begin)
            }
        }

        /// Calls a hook that does nothing until that took no time: a busy machine can make any call slow.
        func untilQuick(_ hooks: QuickHooks, _ name: String) async throws {
            for _ in 0..<1000 {
                try await hooks.span(name) {}
                if begun.withLock({ $0 }) > finished.withLock({ $0.count }) { return }
            }
            Issue.record("a thousand calls of '\(name)' that do nothing were all kept as spans")
        }

        func check(
            _ what: String, begun: Int, finished: Int, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(self.begun.withLock { $0 } == begun, "\(what): begun", sourceLocation: sourceLocation)
            #expect(self.finished.withLock { $0.count } == finished, "\(what): kept", sourceLocation: sourceLocation)
        }
    }

    /// Well over what a hook may take without a span.
    private func work() { usleep(20_000) }

    @Test(
        "A hook with nothing to do leaves no span, and is begun none for; one that takes long has one from its beginning"
    )
    func quick() async throws {
        let trace = Trace()
        let hooks = trace.hooks
        try await trace.untilQuick(hooks, "quick")
        let (begun, kept) = (trace.begun.withLock { $0 }, trace.finished.withLock { $0.count })
        let before = DefaultTracerClock.now.nanosecondsSinceEpoch
        try await hooks.span("quick") { work() }
        trace.check("slow once", begun: begun + 1, finished: kept + 1)
        let span = try #require(trace.finished.withLock { $0.last })
        #expect(span.name == "quick" && span.end - span.begin >= 20_000_000)
        #expect(span.begin + 1_000_000 >= before, "it does not begin before the hook")
        try await hooks.span("quick") {
            #expect(ServiceContext.current?.trace != nil, "it happens in a span of its own again")
            work()
        }
        trace.check("slow again", begun: begun + 2, finished: kept + 2)
    }

    @Test("A hook that fails has a span of it, also one that was quick before")
    func failing() async throws {
        let trace = Trace()
        let hooks = trace.hooks
        for round in 1...3 {
            await #expect(throws: Failure.self) { try await hooks.span("fails") { throw Failure() } }
            let last = try #require(trace.finished.withLock { $0.last })
            #expect(trace.finished.withLock { $0.count } == round && last.status?.code == .error, "round \(round)")
        }
        try await trace.untilQuick(hooks, "fails")
        let kept = trace.finished.withLock { $0.count }
        await #expect(throws: Failure.self) { try await hooks.span("fails") { throw Failure() } }
        #expect(trace.finished.withLock { $0.count } == kept + 1)
    }
}
