package import Conversation

/// What a turn needs of whoever hosts it, besides a place to write to.
package protocol TurnSupport: Sendable {
    /// Returns when everything written so far is durable, and on record that these calls are about to be made.
    /// - Throws: `CancellationError` if the run may not go on.
    func makeDurable(intents: [String]) async throws

    /// Called at each named step between a turn's model calls.
    func reached(_ step: ToolStep)

    /// User's messages that wait behind the turn with nothing else before them, oldest first; also those that have
    /// joined the turn already.
    func waitingMessages() async -> [WaitingMessage]

    /// Sleeps go by this clock.
    var clock: any Clock<Duration> { get }
}

/// The named steps within an answer at which a process can be made to die.
package enum ToolStep: Sendable {
    /// The intent is on record, the tool has not begun.
    case beforeTool
    /// The tool has returned, its result is not written.
    case afterTool
    /// A step has ended and another follows.
    case stepBoundary
}

/// A user's message that waits while a turn runs.
package struct WaitingMessage: Sendable, Hashable {
    package var message: Message
    package var requestOffset: Int64

    package init(message: Message, requestOffset: Int64) {
        self.message = message
        self.requestOffset = requestOffset
    }
}
