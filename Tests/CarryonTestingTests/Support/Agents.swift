import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Synchronization

/// An agent whose `onTurnComplete` takes its time.
struct SlowToEnd: ChatAgent {
    let name = "slow"
    let clock: ManualClock
    let ended = Notes<Int>()

    func run(_ turn: Turn) async throws { try await turn.say("fine") }

    func onTurnComplete(_ event: TurnCompleteEvent) async throws {
        try await clock.sleep(for: .seconds(10))
        ended.add(event.identity.turn)
    }
}

/// An agent whose hooks are the test's.
struct HookedAgent: ChatAgent {
    let name = "hooked"
    var model: any LanguageModel = StubModel { _ in "one two three four" }
    var onStart: @Sendable (TurnStartEvent) async throws -> Void = { _ in }
    var onRecovery: @Sendable (RecoveryBootEvent) async throws -> RecoveryBootResult? = { _ in nil }

    func onTurnStart(_ event: TurnStartEvent) async throws { try await onStart(event) }

    func onRecoveryBoot(_ event: RecoveryBootEvent) async throws -> RecoveryBootResult? {
        try await onRecovery(event)
    }

    func run(_ turn: Turn) async throws { try await turn.respond(with: model) }
}

/// Counts from 1.
final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
