/// More of a text or reasoning part that is open: `text-delta`, `reasoning-delta`.
public struct TextDelta: Sendable, Hashable {
    public var id: String
    public var delta: String
    public var providerMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(id: String, delta: String, providerMetadata: JSON? = nil, unknown: JSONObject = JSONObject()) {
        self.id = id
        self.delta = delta
        self.providerMetadata = providerMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        id = try members.string("id")
        delta = try members.string("delta")
        providerMetadata = members.json("providerMetadata")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("id", string: id)
        sink.member("delta", string: delta)
        sink.member("providerMetadata", json: providerMetadata)
        sink.members(unknown)
    }
}
