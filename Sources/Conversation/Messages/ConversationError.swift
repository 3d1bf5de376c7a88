/// Why a value is not the message, chunk or event that it should be, and in which of its members.
public struct ConversationError: Error, Hashable, CustomStringConvertible {
    /// What a caller may want to tell apart.
    public enum Reason: String, Sendable {
        /// The bytes are not JSON.
        case invalidJSON = "invalid_json"
        /// A member that must be there is not.
        case missingMember = "missing_member"
        /// A member has the wrong type or a value that is not one of those allowed.
        case invalidMember = "invalid_member"
        /// A record's header or key is missing or malformed.
        case invalidHeader = "invalid_header"
    }

    public let reason: Reason
    /// The way to the offending member, such as `parts[2].state`; empty for the whole value.
    public let path: String
    /// What is wrong with it, in words that follow its name.
    let detail: String

    init(_ reason: Reason, _ path: String, _ detail: String) {
        self.reason = reason
        self.path = path
        self.detail = detail
    }

    init(_ error: JSONError) {
        self.init(.invalidJSON, "", "is malformed at byte \(error.offset): \(error.detail)")
    }

    /// A stable code.
    public var code: String { reason.rawValue }

    public var description: String {
        let subject =
            switch reason {
            case .invalidHeader: "The record's \(path)"
            case _ where path.isEmpty: "The JSON value"
            default: "The member \(path)"
            }
        return "\(subject) \(detail)."
    }

    /// The same error, seen from the value that holds the offending one under `outer`.
    func within(_ outer: String) -> ConversationError {
        let joined = path.isEmpty ? outer : path.hasPrefix("[") ? outer + path : outer + "." + path
        return ConversationError(reason, joined, detail)
    }
}
