package import Conversation
package import Kafka
import TurnHost

/// What a record from the requests topic turns out to be.
package struct RequestIntake: Sendable {
    package enum Verdict: Sendable, Hashable {
        case request(session: String, Request)
        /// To the dead letters, with the error's code and sentence.
        case refused(code: String, message: String)
    }

    /// Key and value together may have this many bytes.
    package var maximumBytes: Int

    package init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// Pure, and total: there is no record that this does not have an answer for.
    package func examine(_ record: KafkaRecord) -> Verdict {
        let size = (record.key?.count ?? 0) + (record.value?.count ?? 0)
        guard size <= maximumBytes else {
            return .refused(
                code: "record_too_large",
                message: "The record has \(size) bytes of key and value; at most \(maximumBytes) are accepted.")
        }
        do {
            let session = try SessionID.validate(record.key)
            return .request(session: session, try record.decodedRequest())
        } catch {
            return .refused(code: error.code, message: error.description)
        }
    }
}
