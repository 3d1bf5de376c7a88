import Conversation
import HTTPTypes

/// Who calls, and what they may do.
struct Caller: Sendable, Hashable {
    enum Access: String, Sendable, Hashable {
        case read
        case write
    }

    /// What a session's data is asked for by.
    struct Grant: Sendable, Hashable {
        var access: Access
        /// The id's bytes, since ids that look alike are different sessions; `nil` is every session.
        var session: [UInt8]?

        init(access: Access, session: String?) {
            self.access = access
            self.session = session.map { Array($0.utf8) }
        }
    }

    /// Tells callers apart, in limits and logs; no secret.
    var name: String
    var grants: Set<Grant>

    static let nobody = Caller(name: "nobody", grants: [])

    /// - Parameter session: `nil` asks for all sessions.
    func mayDo(_ access: Access, session: String?) -> Bool {
        grants.contains(Grant(access: access, session: nil))
            || session.map { grants.contains(Grant(access: access, session: $0)) } ?? false
    }

    /// Somebody who may do everything.
    static func owner(_ name: String) -> Caller {
        Caller(name: name, grants: [Grant(access: .read, session: nil), Grant(access: .write, session: nil)])
    }
}

extension GatewayContext {
    /// - Parameter session: `nil` asks for all sessions.
    /// - Throws: a ``GatewayError`` if the caller may not.
    func require(_ access: Caller.Access, session: String?) throws {
        guard caller.mayDo(access, session: session) else {
            throw GatewayError(
                .forbidden, "insufficient_scope", "The token does not allow this.",
                details: ["scope": .string("\(access.rawValue):sessions\(session.map { ":\($0)" } ?? "")")])
        }
    }
}
