import ArgumentParser
import Conversation
import Foundation
import Kafka
import Synchronization

/// `carryon tail`: a session's events as they come.
struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Follows a session's events until its requests are answered, or for ever with --follow.")

    @Argument(help: "The session's id.") var id: String
    @Option(help: "Starts after this seq.") var after: Int64 = 0
    @Option(help: "Ends with the answer to this request.") var request: String?
    @Flag(help: "Goes on for ever.") var follow = false
    @Flag(help: "One JSON object a line.") var json = false

    func run() async throws {
        let settings = try Invocation.required().settings
        let logger = settings.makeLogger("carryon.tail")
        let properties = try settings.kafkaProperties()
        let follower = EventFollower(
            session: id, topic: settings.eventsTopic, properties: properties, logger: logger)
        let pending = try PendingRequests(session: id, settings: settings, properties: properties, logger: logger)
        let printer = Mutex(EventPrinter(style: json ? .json : .text))
        let waiting =
            "carryon: the topic \(settings.eventsTopic) has no events of '\(id)' yet, and is waited for; 'carryon sessions show' has what is stored\n"
        try await follower.follow(
            after: after, onNothing: { FileHandle.standardError.write(Data(waiting.utf8)) }
        ) { readings in
            for reading in readings { printer.withLock { $0.print(reading) } }
            guard !follow, case .event(let event, let partition) = readings.last, event.endsRequest else {
                return .proceed
            }
            if let request { return event.requestID == request ? .stop : .proceed }
            return try await pending.isNothingLeft(after: event, partition: partition) ? .stop : .proceed
        }
        await pending.close()
    }
}

extension Event {
    /// Whether the event is the last of its request.
    var endsRequest: Bool {
        if case .control(let control) = body { control.closesRequest } else { false }
    }
}
