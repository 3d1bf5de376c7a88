import Kafka
import Synchronization

/// Remembers everything that a consumer tells, and does what the test put in.
final class RecordingDelegate: KafkaConsumerDelegate {
    enum Event: Equatable {
        case records([KafkaRecord])
        case end(TopicPartition, Int64)
        case assigned([TopicPartition])
        case revoked([TopicPartition])
        case lost([TopicPartition])
        case failed(KafkaError)
    }

    private struct State {
        var events: [Event] = []
        var starts: [TopicPartition: Int64] = [:]
        var onReceive: (@Sendable ([KafkaRecord]) -> Void)?
        var onRevoke: (@Sendable ([TopicPartition]) -> Void)?
    }

    private let state = Mutex(State())

    var events: [Event] { state.withLock { $0.events } }

    var records: [KafkaRecord] {
        events.flatMap { event in
            if case .records(let records) = event { return records }
            return []
        }
    }

    var ends: [TopicPartition: Int64] {
        var ends: [TopicPartition: Int64] = [:]
        for case .end(let partition, let offset) in events { ends[partition] = offset }
        return ends
    }

    var errors: [KafkaError] {
        events.compactMap { event in
            if case .failed(let error) = event { return error }
            return nil
        }
    }

    var lost: [TopicPartition] {
        events.flatMap { event in
            if case .lost(let partitions) = event { return partitions }
            return []
        }
    }

    /// What is owned after all that was told.
    var owned: Set<TopicPartition> {
        var owned: Set<TopicPartition> = []
        for event in events {
            switch event {
            case .assigned(let partitions): owned.formUnion(partitions)
            case .revoked(let partitions), .lost(let partitions): owned.subtract(partitions)
            default: break
            }
        }
        return owned
    }

    func start(at starts: [TopicPartition: Int64]) {
        state.withLock { $0.starts = starts }
    }

    func onReceive(_ body: @escaping @Sendable ([KafkaRecord]) -> Void) {
        state.withLock { $0.onReceive = body }
    }

    func onRevoke(_ body: @escaping @Sendable ([TopicPartition]) -> Void) {
        state.withLock { $0.onRevoke = body }
    }

    func didReceive(_ records: [KafkaRecord]) {
        let body = state.withLock { state in
            state.events.append(.records(records))
            return state.onReceive
        }
        body?(records)
    }

    func didReachEnd(of partition: TopicPartition, offset: Int64) {
        state.withLock { $0.events.append(.end(partition, offset)) }
    }

    func assigned(_ partitions: [TopicPartition]) -> [TopicPartition: Int64] {
        state.withLock { state in
            state.events.append(.assigned(partitions))
            return state.starts.filter { partitions.contains($0.key) }
        }
    }

    func revoked(_ partitions: [TopicPartition]) {
        let body = state.withLock { $0.onRevoke }
        body?(partitions)
        state.withLock { $0.events.append(.revoked(partitions)) }
    }

    func lost(_ partitions: [TopicPartition]) {
        state.withLock { $0.events.append(.lost(partitions)) }
    }

    func didFail(_ error: KafkaError) {
        state.withLock { $0.events.append(.failed(error)) }
    }
}
