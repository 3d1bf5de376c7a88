import Foundation

extension Caller {
    /// What a token's scope allows (RFC 6749, 3.3: words apart by spaces): `read:sessions:ID`, with the session id
    /// percent-encoded, and `read:sessions` for all of them; the same with `write`. What is not understood allows
    /// nothing.
    static func grants(_ scope: String) -> Set<Grant> {
        var grants: Set<Grant> = []
        for word in scope.split(separator: " ") {
            let parts = word.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count >= 2, let access = Access(rawValue: String(parts[0])), parts[1] == "sessions" else {
                continue
            }
            if parts.count == 2 {
                grants.insert(Grant(access: access, session: nil))
            } else if let session = String(parts[2]).removingPercentEncoding, !session.isEmpty {
                grants.insert(Grant(access: access, session: session))
            }
        }
        return grants
    }
}
