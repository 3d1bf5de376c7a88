/// A source on the web that the answer rests on. Also the `source-url` chunk.
public struct SourceURLPart: Sendable, Hashable {
    public var sourceID: String
    public var url: String
    public var title: String?
    public var providerMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        sourceID: String, url: String, title: String? = nil, providerMetadata: JSON? = nil,
        unknown: JSONObject = JSONObject()
    ) {
        self.sourceID = sourceID
        self.url = url
        self.title = title
        self.providerMetadata = providerMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        sourceID = try members.string("sourceId")
        url = try members.string("url")
        title = try members.optionalString("title")
        providerMetadata = members.json("providerMetadata")
        unknown = members.remaining
    }
}

extension SourceURLPart: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("type", literal: "source-url")
        sink.member("sourceId", string: sourceID)
        sink.member("url", string: url)
        sink.member("title", string: title)
        sink.member("providerMetadata", json: providerMetadata)
        sink.members(unknown)
    }
}
