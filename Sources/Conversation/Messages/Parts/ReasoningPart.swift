/// What the model thought before it answered. Its provider metadata may carry a signature that must survive.
public struct ReasoningPart: Sendable, Hashable {
    public var text: String
    /// How far the part has come; a part without a state is finished.
    public var state: StreamingState?
    public var providerMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        _ text: String, state: StreamingState? = nil, providerMetadata: JSON? = nil, unknown: JSONObject = JSONObject()
    ) {
        self.text = text
        self.state = state
        self.providerMetadata = providerMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        text = try members.string("text")
        state = try members.optionalCase("state", StreamingState.self)
        providerMetadata = members.json("providerMetadata")
        unknown = members.remaining
    }
}

extension ReasoningPart: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("type", literal: "reasoning")
        sink.member("text", string: text)
        sink.member("state", string: state?.rawValue)
        sink.member("providerMetadata", json: providerMetadata)
        sink.members(unknown)
    }
}
