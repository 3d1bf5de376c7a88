/// A document that the answer rests on. Also the `source-document` chunk.
public struct SourceDocumentPart: Sendable, Hashable {
    public var sourceID: String
    public var mediaType: String
    public var title: String
    public var filename: String?
    public var providerMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        sourceID: String, mediaType: String, title: String, filename: String? = nil, providerMetadata: JSON? = nil,
        unknown: JSONObject = JSONObject()
    ) {
        self.sourceID = sourceID
        self.mediaType = mediaType
        self.title = title
        self.filename = filename
        self.providerMetadata = providerMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        sourceID = try members.string("sourceId")
        mediaType = try members.string("mediaType")
        title = try members.string("title")
        filename = try members.optionalString("filename")
        providerMetadata = members.json("providerMetadata")
        unknown = members.remaining
    }
}

extension SourceDocumentPart: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("type", literal: "source-document")
        sink.member("sourceId", string: sourceID)
        sink.member("mediaType", string: mediaType)
        sink.member("title", string: title)
        sink.member("filename", string: filename)
        sink.member("providerMetadata", json: providerMetadata)
        sink.members(unknown)
    }
}
