extension Message {
    /// A stored chain, brought up to date with messages that were read again.
    ///
    /// A message whose id is in the chain replaces the chain's, in its place; others are appended in their order. Of
    /// messages with the same id in `replay` the last wins. An empty id never matches. Takes linear time.
    public static func merging(_ base: [Message], with replay: [Message]) -> [Message] {
        var merged = base
        var positions: [String: Int] = [:]
        for (position, message) in base.enumerated() where !message.id.isEmpty && positions[message.id] == nil {
            positions[message.id] = position
        }
        for message in replay {
            if !message.id.isEmpty, let position = positions[message.id] {
                merged[position] = message
            } else {
                if !message.id.isEmpty { positions[message.id] = merged.count }
                merged.append(message)
            }
        }
        return merged
    }
}
