/// The beginning or the end of one step of the model: `start-step`, `finish-step`. It says nothing else.
public struct StepBoundary: Sendable, Hashable {
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(unknown: JSONObject = JSONObject()) {
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.members(unknown)
    }
}
