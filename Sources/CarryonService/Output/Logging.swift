import Conversation
import Foundation
import Logging
import Telemetry
import Tracing

extension Settings {
    /// A logger as the settings want it: to standard error, one readable or one JSON line each.
    func makeLogger(_ label: String) -> Logger {
        var logger = Logger(label: label) { label in
            switch logFormat {
            case .text: StreamLogHandler.standardError(label: label, metadataProvider: .turn)
            case .json: JSONLogHandler(label: label, metadataProvider: .turn)
            }
        }
        logger.logLevel = logLevel
        return logger
    }
}

extension Logger.MetadataProvider {
    /// Where in the work a line is written, and in which span, from its task.
    static let turn = Logger.MetadataProvider {
        guard let context = ServiceContext.current else { return [:] }
        var metadata: Logger.Metadata = [:]
        if let place = context.place {
            metadata["gen_ai.conversation.id"] = "\(place.conversationID)"
            if let run = place.run {
                metadata["turn"] = "\(run.turn)"
                metadata["run"] = "\(run.run)"
            }
            if let request = place.request {
                metadata["partition"] = "\(request.partition)"
                metadata["offset"] = "\(request.offset)"
            }
        }
        if let trace = context.trace { metadata["traceparent"] = "\(trace.traceparent)" }
        return metadata
    }
}

/// One JSON object a line, on standard error.
struct JSONLogHandler: LogHandler {
    let label: String
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    var logLevel = Logger.Level.info

    init(label: String, metadataProvider: Logger.MetadataProvider? = nil) {
        self.label = label
        self.metadataProvider = metadataProvider
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line: JSONObject = [
            "time": .string(Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)).rfc3339),
            "level": .string(event.level.rawValue), "logger": .string(label), "message": .string("\(event.message)"),
        ]
        let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line[key] = .string("\(value)") }
        FileHandle.standardError.write(Data(JSON.object(line).serialized() + [UInt8(ascii: "\n")]))
    }
}
