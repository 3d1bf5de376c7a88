import Kafka
import Logging

/// Reads the dead letters topic.
struct LetterReader: Sendable {
    /// Reading on is cheaper than starting anew for a gap of so many records.
    private static let widestGap: Int64 = 1_000

    let topic: String
    private let partitions: Int
    private let reader: KafkaReader

    /// - Throws: ``CommandFailure`` if there is no such topic; `KafkaError` if no broker answers.
    init(settings: Settings, logger: Logger) async throws {
        topic = settings.deadLettersTopic
        let properties = try settings.letterProperties()
        let admin = try KafkaAdmin(properties, logger: logger)
        let found: Result<[String: Int], KafkaError>
        do {
            found = .success(try await admin.topics([topic]))
        } catch {
            found = .failure(error)
        }
        await admin.close()
        partitions = try found.get()[topic] ?? 0
        guard partitions > 0 else { throw CommandFailure(.unavailable, "there is no topic \(topic)") }
        reader = try KafkaReader(properties, logger: logger)
    }

    /// Reads all partitions to their ends.
    /// - Parameter onProgress: told how many records were read by now, after each batch.
    func ledger(onProgress: (Int) -> Void = { _ in }) async throws -> LetterLedger {
        var start: [TopicPartition: StartOffset] = [:]
        for partition in 0..<Int32(partitions) {
            start[TopicPartition(topic: topic, partition: partition)] = .beginning
        }
        var ledger = LetterLedger()
        var count = 0
        _ = try await reader.read(from: start, untilEnd: true) { records in
            for record in records { ledger.take(record) }
            count += records.count
            onProgress(count)
            return .proceed
        }
        return ledger
    }

    /// Every letter of the topic, telling how far the reading has come.
    func entries() async throws -> [LetterLedger.Entry] {
        let meter = ProgressMeter(topic, unit: "records")
        defer { meter.finish() }
        return try await ledger { meter.reached($0) }.entries
    }

    /// The records of these letters; those that are not on the topic any more are absent.
    func records(of ids: some Sequence<LetterID>) async throws -> [LetterID: KafkaRecord] {
        var found: [LetterID: KafkaRecord] = [:]
        for stretch in Self.stretches(of: ids) {
            guard let first = stretch.first, let last = stretch.last else { continue }
            let wanted = Set(stretch)
            let start = TopicPartition(topic: topic, partition: first.partition)
            _ = try await reader.read(from: [start: .at(first.offset)], untilEnd: true) { records in
                for record in records {
                    let id = LetterID(partition: record.partition, offset: record.offset)
                    if wanted.contains(id) { found[id] = record }
                }
                return records.contains { $0.offset >= last.offset } ? .stop : .proceed
            }
        }
        return found
    }

    func close() async {
        await reader.close()
    }

    /// The ids in runs that are read in one go each: of one partition, ascending, and close together.
    static func stretches(of ids: some Sequence<LetterID>) -> [[LetterID]] {
        var stretches: [[LetterID]] = []
        for id in Set(ids).sorted() {
            if let last = stretches.last?.last, last.partition == id.partition, id.offset - last.offset <= widestGap {
                stretches[stretches.count - 1].append(id)
            } else {
                stretches.append([id])
            }
        }
        return stretches
    }
}

extension Settings {
    /// Properties for reading and writing records as large as the workers move to the dead letters.
    func letterProperties() throws -> KafkaProperties {
        let largest: KafkaProperties = [
            "message.max.bytes": "67108864", "fetch.max.bytes": "67108864", "receive.message.max.bytes": "134217728",
        ]
        return largest.merging(try clientProperties())
    }
}
