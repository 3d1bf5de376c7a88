package import Kafka
import Logging
package import SessionStore
package import TurnHost

extension WorkerConsumer {
    /// How often it is looked which sessions are parked: whoever parks one may have told another worker.
    private static let parksInterval = Duration.seconds(1)

    /// The hosts work by these settings from now on, and so do those that are started later.
    package func adjust(_ tuning: HostTuning) {
        step { $0.adjust(tuning) }
    }

    /// Halts a partition of the requests topic, whether or not it is assigned at the moment; a reason replaces the one
    /// before it.
    package func halt(partition number: Int32, because reason: String) {
        let partition = TopicPartition(topic: options.requestsTopic, partition: number)
        logger.notice("A partition is paused.", metadata: ["partition": "\(partition)", "reason": "\(reason)"])
        step { $0.halt(partition, because: reason) }
    }

    /// Ends ``halt(partition:because:)``.
    package func goOn(partition number: Int32) {
        let partition = TopicPartition(topic: options.requestsTopic, partition: number)
        guard withCore({ $0.halted[partition] != nil }) else { return }
        logger.notice("A partition is not paused any more.", metadata: ["partition": "\(partition)"])
        step { $0.goOn(partition) }
    }

    /// The partitions of the requests topic that are halted, and why.
    package var halted: [TopicPartition: String] { withCore { $0.halted } }

    /// How many partitions the requests topic has; nil while nobody can be asked.
    package func partitionCount() async -> Int? {
        guard let topics = try? await clients?.admin.topics([options.requestsTopic]) else { return nil }
        return topics[options.requestsTopic]
    }

    /// The parked sessions, as they were last read.
    package var parks: [ParkedSession] { withCore { $0.parks } }

    /// Reads which sessions are parked, and tells the hosts what is new.
    package func readParks() async throws(StoreError) {
        let number = withCore { $0.beginReadingParks() }
        let parks = try await store.parkedSessions()
        step { $0.readParks(parks, number: number) }
    }

    /// Looks again and again which sessions are parked. While the store is away, what is known holds: nothing new is
    /// taken in then.
    func watchParks() async {
        while !Task.isCancelled {
            try? await readParks()
            try? await Task.sleep(for: Self.parksInterval)
        }
    }
}
