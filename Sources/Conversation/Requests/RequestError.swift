/// Why a record of the requests topic is no request. Such a record is dead-lettered with this as the cause.
public struct RequestError: Error, Hashable, CustomStringConvertible {
    /// A stable code in snake case: `tombstone`, `invalid_json`, `invalid_utf8`, `not_an_object`, `missing_type`,
    /// `unknown_type`, `missing_message`, `message_and_text`, `missing_action`, `invalid_member`,
    /// `idempotency_key_too_long`, `invalid_deadline`, `missing_key` or `invalid_session_id`.
    public let code: String
    /// What is wrong, in one sentence.
    public let message: String
    /// The member or header at fault, such as `message.parts[0].text`.
    public let param: String?

    public init(code: String, message: String, param: String? = nil) {
        self.code = code
        self.message = message
        self.param = param
    }

    public var description: String { message }
}
