/// The end of a message: `finish`.
public struct MessageFinish: Sendable, Hashable {
    /// Why the model stopped. A reason that is not known is read as ``FinishReason/other``.
    public var finishReason: FinishReason?
    public var messageMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        finishReason: FinishReason? = nil, messageMetadata: JSON? = nil, unknown: JSONObject = JSONObject()
    ) {
        self.finishReason = finishReason
        self.messageMetadata = messageMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        finishReason = try members.optionalString("finishReason").map(FinishReason.init(reading:))
        messageMetadata = members.json("messageMetadata")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("finishReason", string: finishReason?.rawValue)
        sink.member("messageMetadata", json: messageMetadata)
        sink.members(unknown)
    }
}
