import Kafka
import Logging

/// Makes sure, before a worker starts, that the topics are there and fit together.
struct TopicCheck {
    let settings: Settings
    let properties: KafkaProperties
    let logger: Logger

    /// Creates what is missing, and checks that every request's partition has one among the events, and one in the topic
    /// that requests are forwarded to.
    /// - Throws: ``CommandFailure`` that says what does not fit; `KafkaError` if no broker answers.
    func run() async throws {
        let admin = try KafkaAdmin(properties, logger: logger)
        defer { Task { await admin.close() } }
        let names =
            [settings.requestsTopic, settings.eventsTopic, settings.deadLettersTopic]
            + [settings.outOfMemoryTopic].compactMap(\.self)
        var found = try await admin.topics(names)
        for name in names where found[name] == nil {
            let partitions = name == settings.deadLettersTopic ? 1 : found.values.max() ?? settings.partitions
            try await admin.createTopic(name: name, partitions: partitions)
            logger.notice("A topic was missing and has been created.", metadata: ["topic": "\(name)"])
            found[name] = partitions
        }
        let requests = found[settings.requestsTopic] ?? 0
        func check(_ topic: String, _ whatGoesThere: String) throws {
            let partitions = found[topic] ?? 0
            guard partitions < requests else { return }
            throw CommandFailure(
                .usage,
                "topic \(topic) has \(partitions) partitions, fewer than the \(requests) of \(settings.requestsTopic); "
                    + "\(whatGoesThere) to the partition number of its requests: add partitions to \(topic)")
        }
        try check(settings.eventsTopic, "a session's events go")
        if let topic = settings.outOfMemoryTopic {
            try check(topic, "what a session's workers have too little memory for goes")
        }
    }
}
