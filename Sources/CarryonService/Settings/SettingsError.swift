/// A setting that was refused. The process that meets it ends with status 2.
package struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case unknownSetting = "unknown_setting"
        case malformedValue = "malformed_value"
        case missingValue = "missing_value"
        case givenTwice = "given_twice"
        /// The value is fine by itself, but not beside another.
        case notAllowed = "not_allowed"
        case unreadableFile = "unreadable_file"
        case malformedFile = "malformed_file"
        case malformedEncoding = "malformed_encoding"
    }

    package let code: Code
    /// The setting as it was written: `CARRYON_HOSTS`, `--hosts` or `hosts`.
    package let setting: String
    /// Where it was written: `environment`, `flag` or `FILE:LINE`.
    package let origin: String
    /// What is wrong and what is accepted. Holds no secret's value.
    package let message: String

    package var description: String { "\(setting) (\(origin)) \(message)." }
}

/// Why a value was refused, where "it is not of the form" would not say enough.
struct Refusal: Error {
    var reason: String
}
