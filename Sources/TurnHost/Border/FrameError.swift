/// Why bytes from the other side of the border are not a frame. Whoever sent them is not to be trusted any further.
package struct FrameError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        case oversized
        case truncated
        case unsupportedVersion = "unsupported_version"
        case unknownKind = "unknown_kind"
        case malformed
        case trailingBytes = "trailing_bytes"
        case brokenChannel = "broken_channel"
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
