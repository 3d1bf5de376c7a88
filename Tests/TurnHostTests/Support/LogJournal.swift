import Logging
import Synchronization

/// What is logged, in order.
final class LogJournal: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: Logger.Metadata
    }

    private struct Handler: LogHandler {
        let journal: LogJournal
        var logLevel = Logger.Level.warning
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(
                level: event.level, message: event.message.description,
                metadata: metadata.merging(event.metadata ?? [:]) { $1 })
            journal.lines.withLock { $0.append(line) }
        }
    }

    private let lines = Mutex<[Line]>([])

    /// Writes into the journal, from warnings on.
    var logger: Logger { Logger(label: "test") { _ in Handler(journal: self) } }

    var errors: [Line] { lines.withLock { $0 }.filter { $0.level == .error } }
}
