import LanguageModels

/// Why a turn failed, as it is stored and told to readers.
public struct TurnError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable, in snake case: a model error's code, or `agent_error`.
    public let code: String
    /// One sentence.
    public let message: String

    /// Makes an error.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// The turn took longer than the service lets any turn take.
    package static func timedOut(after limit: Duration) -> TurnError {
        TurnError(code: "turn_timeout", message: "the turn took longer than \(limit)")
    }

    package static let chunkTooLargeCode = "chunk_too_large"

    package static func chunkTooLarge(type: String, size: Int, maximum: Int) -> TurnError {
        TurnError(
            code: chunkTooLargeCode,
            message: "a '\(type)' chunk of \(size) bytes exceeds the \(maximum) of a record")
    }

    /// What is told and stored of an error that an agent threw.
    package init(_ error: any Error, default code: String = "agent_error") {
        switch error {
        case let error as TurnError: self.init(code: error.code, message: Self.bounded(error.message))
        case let error as ModelError: self.init(code: error.code.rawValue, message: Self.bounded(error.message))
        default: self.init(code: code, message: Self.bounded("\(error)"))
        }
    }

    /// What an error says has to fit into a record, whatever was put into it.
    private static func bounded(_ text: String) -> String {
        text.utf8.count <= 4096 ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(1000))) + " ..."
    }
}
