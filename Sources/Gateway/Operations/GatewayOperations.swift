package import Conversation

/// What the gateway shows an operator beyond the store, and asks others for.
package struct GatewayOperations: Sendable {
    /// What a visitor of `carryon dev` may kill.
    package enum Victim: String, Sendable, CaseIterable {
        case worker
        case host
    }

    /// The open dead letters, without their messages' text, or why there are none to show.
    package enum DeadLetters: Sendable {
        case letters([JSON])
        /// One sentence for people.
        case unknown(String)
    }

    /// Each worker's status; one that does not answer has an entry that says so. Returns within seconds.
    package var workers: @Sendable () async -> [JSON]
    /// Returns within seconds.
    package var deadLetters: @Sendable () async -> DeadLetters
    /// Kills the process with SIGKILL; returns whether there was one. `nil` where nobody may kill anything.
    package var kill: (@Sendable (Victim) async -> Bool)?

    package init(
        workers: @escaping @Sendable () async -> [JSON], deadLetters: @escaping @Sendable () async -> DeadLetters,
        kill: (@Sendable (Victim) async -> Bool)? = nil
    ) {
        self.workers = workers
        self.deadLetters = deadLetters
        self.kill = kill
    }

    /// Of a gateway that has nobody to ask.
    package static let none = GatewayOperations(workers: { [] }, deadLetters: { .letters([]) })
}
