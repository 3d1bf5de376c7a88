/// A file, by its address. Also the `file` chunk.
public struct FilePart: Sendable, Hashable {
    public var mediaType: String
    /// Where the file is; may be a data URL that holds it.
    public var url: String
    public var filename: String?
    public var providerMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        mediaType: String, url: String, filename: String? = nil, providerMetadata: JSON? = nil,
        unknown: JSONObject = JSONObject()
    ) {
        self.mediaType = mediaType
        self.url = url
        self.filename = filename
        self.providerMetadata = providerMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        mediaType = try members.string("mediaType")
        url = try members.string("url")
        filename = try members.optionalString("filename")
        providerMetadata = members.json("providerMetadata")
        unknown = members.remaining
    }
}

extension FilePart: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("type", literal: "file")
        sink.member("mediaType", string: mediaType)
        sink.member("url", string: url)
        sink.member("filename", string: filename)
        sink.member("providerMetadata", json: providerMetadata)
        sink.members(unknown)
    }
}
