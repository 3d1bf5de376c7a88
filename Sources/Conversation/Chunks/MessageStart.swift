/// The beginning of a message: `start`.
public struct MessageStart: Sendable, Hashable {
    public var messageID: String?
    public var messageMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(messageID: String? = nil, messageMetadata: JSON? = nil, unknown: JSONObject = JSONObject()) {
        self.messageID = messageID
        self.messageMetadata = messageMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        messageID = try members.optionalString("messageId")
        messageMetadata = members.json("messageMetadata")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("messageId", string: messageID)
        sink.member("messageMetadata", json: messageMetadata)
        sink.members(unknown)
    }
}
