import Conversation
import TestSupport

extension Cluster {
    /// Waits until a reader has some of the text of a session's answer.
    func waitForText(of session: String, turn: Int = 0) async throws {
        do {
            try await eventually(timeout: .seconds(40), every: .milliseconds(50)) {
                try await events(of: session).answer(turn: turn).text.contains(" ")
            }
        } catch is NeverHappened {
            throw Discrepancy(
                "the answer in session \(session), turn \(turn)", expected: "its beginning", came: "nothing")
        }
    }
}
