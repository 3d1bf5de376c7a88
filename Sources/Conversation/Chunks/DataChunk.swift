/// The application's own data: `data-NAME`.
public struct DataChunk: Sendable, Hashable {
    /// The `NAME` of the type `data-NAME`.
    public var name: String
    /// With an id, this replaces earlier data of the same name and id.
    public var id: String?
    public var data: JSON
    /// Whether the data is only shown, and never part of the message.
    public var transient: Bool?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        name: String, id: String? = nil, data: JSON, transient: Bool? = nil, unknown: JSONObject = JSONObject()
    ) {
        self.name = name
        self.id = id
        self.data = data
        self.transient = transient
        self.unknown = unknown
    }

    init(_ members: inout MemberReader, name: String) throws(ConversationError) {
        self.name = name
        id = try members.optionalString("id")
        data = try members.requiredJSON("data")
        transient = try members.optionalBool("transient")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("type", string: "data-" + name)
        sink.member("id", string: id)
        sink.member("data", json: data)
        sink.member("transient", bool: transient)
        sink.members(unknown)
    }
}
