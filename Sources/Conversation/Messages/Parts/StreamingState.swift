/// How far a text or reasoning part has come.
public enum StreamingState: String, Sendable, Hashable, CaseIterable {
    case streaming, done
}
