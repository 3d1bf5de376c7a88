/// Why a text is not JSON, and where.
public struct JSONError: Error, Hashable, CustomStringConvertible {
    /// What a caller may want to tell apart.
    public enum Reason: String, Sendable {
        case invalidUTF8 = "invalid_utf8"
        case syntax = "invalid_json"
        case tooDeep = "json_too_deep"
    }

    public let reason: Reason
    /// The offset of the offending byte; the length of the text if it ended too early.
    public let offset: Int
    /// What was expected there, in words.
    let detail: String

    init(_ reason: Reason, at offset: Int, _ detail: String) {
        self.reason = reason
        self.offset = offset
        self.detail = detail
    }

    /// A stable code.
    public var code: String { reason.rawValue }

    public var description: String { "The JSON text is malformed at byte \(offset): \(detail)." }
}
