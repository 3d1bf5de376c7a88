import Conversation
import Kafka
import TurnHost

/// A record that was received and is not settled yet. An object: it is found by its number, and changes its place.
final class HeldRequest {
    enum Place: Hashable {
        /// Nobody has it: its host is being replaced, its session waits for a retry, or its fence is being taken.
        case waiting
        /// The host of this slot has it.
        case atHost(slot: Int)
        /// It is no request; its dead letter was handed to the producer.
        case deadLettering
        /// Its dead letter could not be written, and will be tried again.
        case deadLetterFailed(retryAt: ContinuousClock.Instant)
    }

    enum Content {
        case request(session: String, Request)
        case refused(code: String, message: String)
    }

    var id: Int64
    let partition: TopicPartition
    let record: KafkaRecord
    let content: Content
    let tracked: OffsetTracker.Entry
    var place: Place
    /// Its present host has said that a run of it begins.
    var hasBegun = false
    /// How many hosts died while it had begun.
    var hostDeaths = 0
    /// How many of these it died of alone, or how many times its dead letter could not be written.
    var failures = 0
    /// How the last of these hosts died.
    var death: HostDeath?

    init(
        id: Int64, partition: TopicPartition, record: KafkaRecord, content: Content, tracked: OffsetTracker.Entry,
        place: Place
    ) {
        self.id = id
        self.partition = partition
        self.record = record
        self.content = content
        self.tracked = tracked
        self.place = place
    }

    /// Whose share of the requests in hand it is part of.
    var claimant: FairShare.Claimant? {
        session.map { FairShare.Claimant(partition: partition, session: $0) }
    }

    /// Nil for a record that is no request.
    var session: String? {
        if case .request(let session, _) = content { session } else { nil }
    }
}
