import Conversation
import Kafka
import TurnHost

/// Writes what was decided about letters: their requests to where their producers had sent them, and a note of it beside
/// each.
struct Redriver: Sendable {
    /// What became of one letter.
    enum Outcome: Sendable, Hashable {
        /// With its place in the topic that it was sent to, if the broker said it.
        case sent(LetterID?)
        case discarded
        case refused(RedriveRefusal)
    }

    /// As many as fit into memory at a time: each batch may mean reading the topic once more, if its order is another
    /// than the conversations'.
    static let batchCount = 10_000
    static let batchBytes = 16 << 20

    let reader: LetterReader
    let producer: KafkaProducer
    let now: @Sendable () -> Int64

    /// Sends letters again, in this order where they share a lane, each once the one before it is acknowledged.
    /// - Parameter onOutcome: called once for each letter that was come to.
    /// - Throws: a `KafkaError` when the broker is away: what is left is not come to.
    func redrive(_ letters: [Letter], onOutcome: (Letter, Outcome) -> Void) async throws {
        var blocked: Set<LetterLane> = []
        for batch in Self.batches(of: letters) {
            let records = try await reader.records(of: batch.map(\.id))
            for wave in Self.waves(of: batch) {
                var sendable: [(letter: Letter, record: ProducerRecord)] = []
                for letter in wave {
                    if blocked.contains(letter.lane) {
                        onOutcome(letter, .refused(.notInOrder))
                    } else if let record = records[letter.id], let destination = letter.destination {
                        let request = Self.request(of: letter, to: destination, record, topic: reader.topic)
                        sendable.append((letter, request))
                    } else {
                        onOutcome(letter, .refused(.gone))
                    }
                }
                let results = await producer.send(sendable.map(\.record))
                var sent: [(letter: Letter, place: LetterID?)] = []
                var away: KafkaError?
                for ((letter, record), result) in zip(sendable, results) {
                    switch result {
                    case .success(let offset):
                        let partition = record.partition ?? 0
                        sent.append((letter, offset < 0 ? nil : LetterID(partition: partition, offset: offset)))
                    case .failure(let error):
                        blocked.insert(letter.lane)
                        if error.isRetriable { away = error }
                        onOutcome(letter, .refused(.failed(error.description)))
                    }
                }
                try await note(sent, .redriven, reason: nil, onOutcome)
                if let away { throw away }
            }
        }
    }

    /// Notes that letters are not wanted any more.
    /// - Throws: a `KafkaError` when the broker is away: what is left is not come to.
    func discard(_ letters: [Letter], reason: String, onOutcome: (Letter, Outcome) -> Void) async throws {
        for batch in Self.batches(of: letters) {
            try await note(batch.map { ($0, nil) }, .discarded, reason: reason, onOutcome)
        }
    }

    private func note(
        _ letters: [(letter: Letter, place: LetterID?)], _ kind: LetterResolution.Kind, reason: String?,
        _ onOutcome: (Letter, Outcome) -> Void
    ) async throws {
        let at = Timestamp(milliseconds: now())
        let notes = letters.map { letter, place in
            LetterResolution(kind, of: letter.id, at: at, reason: reason, sentTo: place)
                .record(topic: reader.topic, key: letter.key)
        }
        var away: KafkaError?
        for ((letter, place), result) in zip(letters, await producer.send(notes)) {
            switch (result, kind) {
            case (.success, .redriven): onOutcome(letter, .sent(place))
            case (.success, .discarded): onOutcome(letter, .discarded)
            case (.failure(let error), _):
                if error.isRetriable { away = error }
                let reason = error.description
                onOutcome(letter, .refused(kind == .redriven ? .unmarked(place, reason) : .failed(reason)))
            }
        }
        if let away { throw away }
    }

    /// The request as its producer had sent it, with what makes sure that it takes effect once.
    static func request(
        of letter: Letter, to destination: TopicPartition, _ record: KafkaRecord, topic: String
    ) -> ProducerRecord {
        ProducerRecord(
            topic: destination.topic, partition: destination.partition, key: record.key, value: record.value,
            headers: DeadLetter.originalHeaders(of: record) + letter.redrive(topic: topic).headers)
    }

    /// The letters in parts whose records fit into memory; a larger one is a part of its own.
    static func batches(of letters: [Letter]) -> [ArraySlice<Letter>] {
        var batches: [ArraySlice<Letter>] = []
        var start = letters.startIndex
        var bytes = 0
        for index in letters.indices {
            let size = letters[index].byteCount
            if index > start, index - start == batchCount || bytes + size > batchBytes {
                batches.append(letters[start..<index])
                (start, bytes) = (index, 0)
            }
            bytes += size
        }
        if start < letters.endIndex { batches.append(letters[start...]) }
        return batches
    }

    /// The letters in rounds that hold one of each lane at the most.
    static func waves(of letters: some Sequence<Letter>) -> [[Letter]] {
        var waves: [[Letter]] = []
        var depths: [LetterLane: Int] = [:]
        for letter in letters {
            let depth = depths[letter.lane, default: 0]
            depths[letter.lane] = depth + 1
            if depth == waves.count { waves.append([]) }
            waves[depth].append(letter)
        }
        return waves
    }
}
