import Kafka
import Logging
import Synchronization

/// Reads all events as they come, and tells whoever listens.
final class EventTap: Sendable {
    typealias Listener = @Sendable ([KafkaRecord]) -> Void

    /// A function that is itself a lock's value is wrapped once more with every access; as a member of a value it is not.
    private struct State {
        var listener: Listener?
    }

    private let reader: KafkaReader
    private let state = Mutex(State())
    private let reading = Mutex<Task<Void, Never>?>(nil)

    init(_ properties: KafkaProperties, logger: Logger) throws {
        reader = try KafkaReader(properties, logger: logger)
        var start: [TopicPartition: StartOffset] = [:]
        for partition in 0..<Int32(Stage.partitions) {
            start[TopicPartition(topic: Stage.eventsTopic, partition: partition)] = .beginning
        }
        let task = Task { [reader, start] in
            do {
                _ = try await reader.read(from: start, untilEnd: false) { records in
                    self.state.withLock { $0.listener }?(records)
                    return .proceed
                }
            } catch is CancellationError {
                return
            } catch {
                Progress.say("the events can't be read any more: \(error)")
            }
        }
        reading.withLock { $0 = task }
    }

    /// From now on `listener` is told, from the reader's task, and nobody else.
    func listen(_ listener: Listener?) {
        state.withLock { $0.listener = listener }
    }

    func close() async {
        listen(nil)
        let task = reading.withLock { $0 }
        task?.cancel()
        await task?.value
        await reader.close()
    }
}

extension KafkaRecord {
    /// Whether this event is the last of a turn.
    var endsTurn: Bool {
        headers.contains { $0.name == "control" && $0.value.map { $0.elementsEqual("turn-complete".utf8) } == true }
    }

    var isControl: Bool { headers.contains { $0.name == "control" } }
}
