/// The tool part of the AI SDK's version 4, `{"type":"tool-invocation","toolInvocation":{"state",...}}`.
///
/// It is kept as an unknown part. Only the cleaning of a partial answer looks into it.
enum LegacyToolInvocation {
    static let type = "tool-invocation"
    static let member = "toolInvocation"

    /// Whether this is such a part whose call has no result.
    static func isUnfinished(_ part: JSONObject) -> Bool {
        guard part["type"]?.stringValue == type else { return false }
        let state = part[member]?["state"]?.stringValue
        return state == "partial-call" || state == "call"
    }
}
