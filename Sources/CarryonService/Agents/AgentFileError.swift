/// Something in an agent's file that was refused. The process that meets it ends with status 2.
package struct AgentFileError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case unknownKey = "unknown_key"
        case missingKey = "missing_key"
        case wrongType = "wrong_type"
        case malformedValue = "malformed_value"
        case givenTwice = "given_twice"
        /// The value is fine by itself, but not beside another.
        case notAllowed = "not_allowed"
        case unsetVariable = "unset_variable"
        case unreadableFile = "unreadable_file"
        case malformedFile = "malformed_file"
    }

    package let code: Code
    /// The key, with those it stands in: `tools[0].http.url`. Empty for the file as a whole.
    package let key: String
    package let file: String
    /// From 1; `nil` where no place in the file is to blame.
    package let line: Int?
    package let column: Int?
    /// What is wrong and what is accepted. Holds no secret's value.
    package let message: String

    package var description: String {
        let place = [line, column].compactMap { $0.map { ":\($0)" } }.joined()
        return key.isEmpty ? "\(file)\(place) \(message)." : "\(key) (\(file)\(place)) \(message)."
    }
}
