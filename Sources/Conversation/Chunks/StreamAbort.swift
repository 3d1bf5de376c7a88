/// The answer ends early: `abort`. It adds nothing to the message.
public struct StreamAbort: Sendable, Hashable {
    public var reason: String?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(reason: String? = nil, unknown: JSONObject = JSONObject()) {
        self.reason = reason
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        reason = try members.optionalString("reason")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("reason", string: reason)
        sink.members(unknown)
    }
}
