import ChatAgent
import Conversation
import SessionStore
import TurnHost

extension Conductor {
    /// A conductor whose first host died in the middle of the answer to `u1`, and how.
    static func withDeadTurn(
        _ question: String = "#script\nsay one two three four five", occurrence: Int = 3,
        _ configure: @escaping @Sendable (inout HostOptions) -> Void = { $0.flushWindow = .zero }
    ) async throws -> (Conductor, HostDeath?) {
        let conductor = try Conductor(configure: configure)
        try await conductor.start(killAt: .init(step: .midStream, occurrence: occurrence))
        conductor.say(question, id: "u1", data: .string("d1"))
        let death = try await conductor.waitForDeath(.crashed, cause: "SIGSEGV")
        return (conductor, death)
    }
}
