/// More metadata of the message, merged into what there is: `message-metadata`.
public struct MessageMetadata: Sendable, Hashable {
    public var messageMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(messageMetadata: JSON? = nil, unknown: JSONObject = JSONObject()) {
        self.messageMetadata = messageMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        messageMetadata = members.json("messageMetadata")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("messageMetadata", json: messageMetadata)
        sink.members(unknown)
    }
}
