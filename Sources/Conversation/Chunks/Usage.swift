/// How many tokens a model's calls took.
public struct Usage: Sendable, Hashable {
    public var inputTokens: Int?
    public var outputTokens: Int?
    public var totalTokens: Int?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        inputTokens: Int? = nil, outputTokens: Int? = nil, totalTokens: Int? = nil, unknown: JSONObject = JSONObject()
    ) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.totalTokens = totalTokens
        self.unknown = unknown
    }

    /// Reads a usage; the error names the member that is not a whole number.
    public init(json: JSON) throws(ConversationError) {
        var members = try MemberReader(json)
        inputTokens = try members.optionalInt("inputTokens")
        outputTokens = try members.optionalInt("outputTokens")
        totalTokens = try members.optionalInt("totalTokens")
        unknown = members.remaining
    }

    /// The usage as a JSON object.
    public var json: JSON { encodedJSON }

    /// The sum of two usages, member by member; a count that only one of them has is that one's, and so are unknown
    /// members, where `other` wins.
    public func adding(_ other: Usage) -> Usage {
        var unknown = self.unknown
        unknown.members(other.unknown)
        return Usage(
            inputTokens: Self.sum(inputTokens, other.inputTokens),
            outputTokens: Self.sum(outputTokens, other.outputTokens),
            totalTokens: Self.sum(totalTokens, other.totalTokens), unknown: unknown)
    }

    private static func sum(_ one: Int?, _ other: Int?) -> Int? {
        guard let one, let other else { return one ?? other }
        let (sum, overflows) = one.addingReportingOverflow(other)
        return overflows ? Int.max : sum
    }
}

extension Usage: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("inputTokens", int: inputTokens.map(Int64.init))
        sink.member("outputTokens", int: outputTokens.map(Int64.init))
        sink.member("totalTokens", int: totalTokens.map(Int64.init))
        sink.members(unknown)
    }
}
