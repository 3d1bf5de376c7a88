/// The rules for the name of a session.
public enum SessionID {
    /// The most bytes of UTF-8 that a session id may have.
    public static let maximumLength = 256

    /// Checks a record's key: 1 to 256 bytes of UTF-8 without control characters (C0, DEL, C1). Throws with the code
    /// `missing_key` or `invalid_session_id`.
    public static func validate(_ bytes: [UInt8]?) throws(RequestError) -> String {
        guard let bytes else {
            throw RequestError(
                code: "missing_key", message: "The record has no key, which must be the session id.", param: "key")
        }
        guard (1...maximumLength).contains(bytes.count), let text = String(validating: bytes, as: UTF8.self),
            !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw RequestError(
                code: "invalid_session_id",
                message: "A session id is 1 to \(maximumLength) bytes of UTF-8 without control characters.",
                param: "key")
        }
        return text
    }
}
