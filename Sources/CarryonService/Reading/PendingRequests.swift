import Conversation
import Kafka
import Logging
import Synchronization

/// Whether a session's requests are all answered: asked by those who want to know when to stop reading its events.
struct PendingRequests: Sendable {
    private let session: [UInt8]
    private let settings: Settings
    private let reader: KafkaReader

    init(session: String, settings: Settings, properties: KafkaProperties, logger: Logger) throws {
        self.session = Array(session.utf8)
        self.settings = settings
        reader = try KafkaReader(properties, logger: logger)
    }

    /// Whether no request of the session that will have an answer follows the one that `event` ended.
    /// - Parameter partition: the partition that the event was read from, which is the requests' too.
    func isNothingLeft(after event: Event, partition: Int32) async throws -> Bool {
        guard let offset = event.requestOffset else { return true }
        let start = TopicPartition(topic: settings.requestsTopic, partition: partition)
        let isLeft = Mutex(false)
        _ = try await reader.read(from: [start: .at(offset + 1)], untilEnd: true) { records in
            for record in records where record.key == session && record.offset > offset {
                let request = try? Request.decode(
                    value: record.value, idempotencyKeyHeader: nil, fallbackMessageID: "unread")
                switch request?.kind {
                case nil, .stop, .preload: continue
                case .message, .regenerate, .action, .close: isLeft.withLock { $0 = true }
                }
            }
            return isLeft.withLock { $0 } ? .stop : .proceed
        }
        return !isLeft.withLock { $0 }
    }

    func close() async {
        await reader.close()
    }
}
