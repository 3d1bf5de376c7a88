/// What is a name of this machine and of no other.
package enum LoopbackName {
    /// Whether `text` is one of the addresses 127.0.0.0/8 (RFC 1122, 3.2.1.3), which a name that only begins like one
    /// is not.
    package static func isAddress(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
