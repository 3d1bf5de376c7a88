import Logging
import Telemetry
import Testing
import Tracing

@testable import CarryonService

@Suite("Log lines")
struct LoggingTests {
    @Test(
        "A line has the conversation and the span of its own task, and none outside of a turn",
        arguments: LogFormat.allCases)
    func conversations(_ format: LogFormat) async throws {
        var settings = Settings()
        settings.logFormat = format
        let provider = try #require(settings.makeLogger("test").metadataProvider)
        #expect(provider.get().isEmpty)
        await withTaskGroup(of: Void.self) { group in
            for (session, digit) in [("alice", "a"), ("bob", "b")] {
                let traceparent = "00-\(String(repeating: digit, count: 32))-\(String(repeating: digit, count: 16))-01"
                group.addTask {
                    var context = ServiceContext.topLevel
                    let place = WorkPlace(conversationID: session, request: (2, digit == "a" ? 7 : 8))
                    context.place = place
                    context.trace = TraceContext(traceparent: traceparent)
                    await ServiceContext.withValue(context) {
                        var expected: Logger.Metadata = [
                            "gen_ai.conversation.id": "\(session)", "traceparent": "\(traceparent)",
                            "partition": "2", "offset": digit == "a" ? "7" : "8",
                        ]
                        #expect(provider.get() == expected)
                        place.begin(turn: digit == "a" ? 3 : 4, run: 1)
                        (expected["turn"], expected["run"]) = (digit == "a" ? "3" : "4", "1")
                        for _ in 0..<50 {
                            await Task.yield()
                            #expect(provider.get() == expected)
                        }
                    }
                }
            }
        }
    }
}
