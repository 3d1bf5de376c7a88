/// A text or reasoning part that has begun and not ended.
public struct OpenPart: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable {
        case text, reasoning
    }

    public let kind: Kind
    /// The id that its chunks name it by.
    public let id: String
    /// The part's index in the message.
    public let index: Int

    public init(kind: Kind, id: String, index: Int) {
        self.kind = kind
        self.id = id
        self.index = index
    }
}
