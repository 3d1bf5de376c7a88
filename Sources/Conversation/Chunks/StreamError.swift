/// Something went wrong, in words for the reader: `error`. It adds nothing to the message.
public struct StreamError: Sendable, Hashable {
    public var errorText: String
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(errorText: String, unknown: JSONObject = JSONObject()) {
        self.errorText = errorText
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        errorText = try members.string("errorText")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("errorText", string: errorText)
        sink.members(unknown)
    }
}
