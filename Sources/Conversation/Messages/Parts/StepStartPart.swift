/// A boundary between two steps of the model; it says nothing else.
public struct StepStartPart: Sendable, Hashable {
    /// Members that this library does not know.
    public var unknown: JSONObject

    public init(unknown: JSONObject = JSONObject()) { self.unknown = unknown }
}
