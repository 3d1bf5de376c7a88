import Conversation
import SessionStore

/// Everything that is known of a session from outside of the service, once it is quiet.
struct SessionEvidence: Sendable {
    /// A record on the dead letters topic.
    struct Letter: Sendable, Hashable {
        let partition: Int32
        let offset: Int64
        let cause: String
        let attempts: Int?
    }

    let session: String
    /// What was sent, in the order of the log.
    var requests: [SentRequest]
    /// Its records on the events topic, in the order of the log.
    var written: [Event]
    /// What a reader has that lost its connection now and then.
    var followed: [Event]
    var stored: StoredSession?
    /// By turn and run.
    var runs: [StoredRun]
    /// Those of the session's requests, in the order of their topic.
    var letters: [Letter]
    /// How often each call was carried out.
    var executions: [String: Int]
}
