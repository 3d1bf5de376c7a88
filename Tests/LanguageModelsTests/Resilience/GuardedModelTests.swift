import Conversation
import LanguageModels
import Synchronization
import Testing

@Suite("A model behind a circuit breaker")
struct GuardedModelTests {
    /// Answers as it is told, and counts how often it is asked.
    private final class FakeModel: LanguageModel {
        let name = "fake"
        private let script: Mutex<[Result<Void, any Error>]>
        private let asked = Mutex(0)

        init(_ script: [Result<Void, any Error>]) {
            self.script = Mutex(script)
        }

        var calls: Int { asked.withLock { $0 } }

        func generate(
            _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
        ) async throws -> ModelResponse {
            asked.withLock { $0 += 1 }
            try await emit(.textStart(id: "t"))
            let next = script.withLock { $0.isEmpty ? .success(()) : $0.removeFirst() }
            try next.get()
            return ModelResponse(finishReason: .stop)
        }
    }

    /// Waits until it is cancelled, as a call of a provider does that never answers.
    private struct HangingModel: LanguageModel {
        let name = "hanging"
        /// What is thrown in the place of the cancellation.
        var error: (any Error)?

        func generate(
            _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
        ) async throws -> ModelResponse {
            do {
                try await Task.sleep(for: .seconds(3600))
            } catch {
                throw self.error ?? error
            }
            return ModelResponse(finishReason: .stop)
        }
    }

    private let clock = InstantClock()
    private let start = ContinuousClock.now
    private let disconnected = ModelError(.disconnect, "the connection broke")

    private func breaker(failures: Int = 2) -> CircuitBreaker {
        let (clock, start) = (clock, start)
        return CircuitBreaker(
            provider: "acme", limits: .init(failures: failures, cooldown: .seconds(30)),
            now: { start + clock.now.offset })
    }

    private func ask(_ model: some LanguageModel) async throws {
        _ = try await model.generate(ModelRequest(messages: [])) { _ in }
    }

    @Test("An open breaker refuses a call without making it, and says when the provider is asked again")
    func refusing() async throws {
        let model = FakeModel([.failure(disconnected), .failure(disconnected)])
        let breaker = breaker()
        let guarded = GuardedModel(model, breaker: breaker)
        for _ in 0..<2 { await #expect(throws: disconnected) { try await ask(guarded) } }
        #expect(breaker.status == .open(until: start + .seconds(30)))
        clock.advance(by: .seconds(10))
        let refusal = await #expect(throws: ModelError.self) { try await ask(guarded) }
        #expect(refusal?.code == .overloaded)
        #expect(refusal?.retryAfter == .seconds(20))
        #expect(refusal?.message.contains("acme") == true)
        #expect(model.calls == 2)
        clock.advance(by: .seconds(20))
        try await ask(guarded)
        #expect(model.calls == 3)
        #expect(!breaker.isOpen)
    }

    @Test("The models of one provider share what is known of it")
    func sharing() async throws {
        let breaker = breaker(failures: 1)
        let failing = GuardedModel(FakeModel([.failure(disconnected)]), breaker: breaker)
        let healthy = FakeModel([])
        await #expect(throws: disconnected) { try await ask(failing) }
        await #expect(throws: ModelError.self) { try await ask(GuardedModel(healthy, breaker: breaker)) }
        #expect(healthy.calls == 0)
    }

    @Test(
        "An error that says nothing about the provider does not open it",
        arguments: [
            ModelError(.invalidRequest, "malformed"), ModelError(.contextLength, "too long"), CancellationError(),
        ] as [any Error])
    func undecided(error: any Error) async throws {
        let breaker = breaker(failures: 1)
        let guarded = GuardedModel(FakeModel([.failure(error)]), breaker: breaker)
        await #expect(throws: (any Error).self) { try await ask(guarded) }
        #expect(!breaker.isOpen)
    }

    @Test("A probe that is cancelled leaves its place to the next, whatever its model throws")
    func cancelledProbe() async throws {
        for error in [nil, disconnected] as [ModelError?] {
            let breaker = breaker(failures: 1)
            await #expect(throws: disconnected) {
                try await ask(GuardedModel(FakeModel([.failure(disconnected)]), breaker: breaker))
            }
            clock.advance(by: .seconds(30))
            let probe = Task { try await ask(GuardedModel(HangingModel(error: error), breaker: breaker)) }
            while breaker.status != .probing { await Task.yield() }
            let refusal = await #expect(throws: ModelError.self) {
                try await ask(GuardedModel(FakeModel([]), breaker: breaker))
            }
            #expect(refusal?.code == .overloaded)
            #expect(refusal?.retryAfter == nil)
            probe.cancel()
            _ = await probe.result
            try await ask(GuardedModel(FakeModel([]), breaker: breaker))
            #expect(breaker.status == .closed)
        }
    }

    @Test("Of many calls at once after the pause, one is made")
    func oneProbe() async throws {
        let breaker = breaker(failures: 1)
        await #expect(throws: disconnected) {
            try await ask(GuardedModel(FakeModel([.failure(disconnected)]), breaker: breaker))
        }
        clock.advance(by: .seconds(30))
        let asked = await withTaskGroup { group in
            for _ in 0..<50 {
                group.addTask { (try? breaker.admit()) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(asked == 1)
    }

    @Test("It is called what its model is called")
    func name() {
        #expect(GuardedModel(FakeModel([]), breaker: breaker()).name == "fake")
    }
}
