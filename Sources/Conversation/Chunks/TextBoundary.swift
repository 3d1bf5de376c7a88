/// The beginning or the end of a text or reasoning part: `text-start`, `text-end`, `reasoning-start`, `reasoning-end`.
public struct TextBoundary: Sendable, Hashable {
    /// Names the part among those that are open; an id may be used again once its part has ended.
    public var id: String
    public var providerMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(id: String, providerMetadata: JSON? = nil, unknown: JSONObject = JSONObject()) {
        self.id = id
        self.providerMetadata = providerMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        id = try members.string("id")
        providerMetadata = members.json("providerMetadata")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("id", string: id)
        sink.member("providerMetadata", json: providerMetadata)
        sink.members(unknown)
    }
}
