import Conversation

/// Which messages a summary is to stand for: a pure function of the history and what it may be at most.
struct CompactionPlan: Sendable, Hashable {
    /// What is to be summarised, an earlier summary first.
    var compacted: [Message]
    /// The id of the last message that the summary will stand for.
    var through: String
    var keptCount: Int

    /// `nil` if there is nothing to be done, or nothing that can be.
    /// - Parameters:
    ///   - chain: the whole history.
    ///   - usage: what the last model call cost.
    ///   - answer: the answer so far, if it is not in the history.
    init?(
        _ policy: CompactionPolicy, chain: [Message], summary: ConversationSummary?, usage: Usage?, answer: Message?
    ) {
        let start = summary.flatMap { summary in chain.lastIndex { $0.id == summary.through } }.map { $0 + 1 } ?? 0
        let live = chain[start...]
        let head = start > 0 ? summary.map { [$0.message] } ?? [] : []
        switch policy.limit {
        case .messages(let most): guard head.count + live.count > most else { return nil }
        case .tokens(let most):
            let estimate = (Array(live) + [answer].compactMap(\.self)).reduce(0) { $0 + $1.estimatedTokens }
            guard usage?.inputTokens ?? estimate > most else { return nil }
        }
        var end = live.endIndex - policy.keep
        // A summary is named by the last message that it stands for, and ends before a call that waits for its result.
        while end > start, chain[end - 1].id.isEmpty || !Array(chain[start..<end]).isCompactionSafe { end -= 1 }
        guard end > start else { return nil }
        compacted = head + chain[start..<end]
        through = chain[end - 1].id
        keptCount = chain.count - end
    }
}

extension Message {
    /// About how many tokens the message takes: four bytes each.
    fileprivate var estimatedTokens: Int { serialized().count / 4 }
}
