/// The application's own data, shown by its own interface and never sent to a model.
public struct DataPart: Sendable, Hashable {
    /// The `NAME` of the type `data-NAME`.
    public var name: String
    /// With an id, later data of the same name and id replaces this.
    public var id: String?
    public var data: JSON
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(name: String, id: String? = nil, data: JSON, unknown: JSONObject = JSONObject()) {
        self.name = name
        self.id = id
        self.data = data
        self.unknown = unknown
    }

    init(_ members: inout MemberReader, name: String) throws(ConversationError) {
        self.name = name
        id = try members.optionalString("id")
        data = try members.requiredJSON("data")
        unknown = members.remaining
    }
}

extension DataPart: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("type", string: "data-" + name)
        sink.member("id", string: id)
        sink.member("data", json: data)
        sink.members(unknown)
    }
}
