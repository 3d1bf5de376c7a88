/// Who a message is from.
public enum Role: String, Sendable, Hashable, CaseIterable {
    case system, user, assistant
}
