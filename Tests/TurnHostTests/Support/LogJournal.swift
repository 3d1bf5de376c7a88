import Logging
import Synchronization
import Telemetry
import Tracing

/// What is logged, in order.
final class LogJournal: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: Logger.Metadata
        /// Where the task was that wrote it, from which the service's own loggers have the rest.
        var place: WorkPlace?
        var run: (turn: Int, run: Int)?
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
                metadata: metadata.merging(event.metadata ?? [:]) { $1 }, place: ServiceContext.current?.place,
                run: ServiceContext.current?.place?.run)
            journal.lines.withLock { $0.append(line) }
        }
    }

    private let lines = Mutex<[Line]>([])

    /// Writes into the journal, from warnings on.
    var logger: Logger { Logger(label: "test") { _ in Handler(journal: self) } }

    var all: [Line] { lines.withLock { $0 } }
    var errors: [Line] { lines.withLock { $0 }.filter { $0.level == .error } }
}
