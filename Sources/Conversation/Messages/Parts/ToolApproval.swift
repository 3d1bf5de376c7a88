/// The question whether a tool may be called, and its answer.
public struct ToolApproval: Sendable, Hashable {
    public var id: String
    /// The answer; `nil` while there is none.
    public var approved: Bool?
    public var reason: String?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(id: String, approved: Bool? = nil, reason: String? = nil, unknown: JSONObject = JSONObject()) {
        self.id = id
        self.approved = approved
        self.reason = reason
        self.unknown = unknown
    }

    init(json: JSON) throws(ConversationError) {
        var members = try MemberReader(json)
        id = try members.string("id")
        approved = try members.optionalBool("approved")
        reason = try members.optionalString("reason")
        unknown = members.remaining
    }
}

extension ToolApproval: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("id", string: id)
        sink.member("approved", bool: approved)
        sink.member("reason", string: reason)
        sink.members(unknown)
    }
}
