import Conversation

/// What the scripted model says to a message when nothing gets in its way: a second, plain reading of what the protocol
/// says of it.
enum ExpectedAnswer {
    /// - Parameters:
    ///   - messageID: the message's id, which the ids of calls begin with.
    ///   - promptCount: how many messages the history has with this one.
    /// - Returns: the answer with every call done; to be judged with what a call may have come to instead.
    static func to(_ text: String, messageID: String, promptCount: Int) -> Answer {
        guard text.hasPrefix("#script\n") else {
            let count = promptCount == 1 ? "1 message" : "\(promptCount) messages"
            return Answer([.text("You said: \(text). This prompt holds \(count).")])
        }
        var answer = Answer()
        for (index, line) in text.split(separator: "\n").dropFirst().enumerated() {
            let words = line.split(separator: " ", maxSplits: 1)
            let rest = words.count > 1 ? String(words[1]) : ""
            switch words.first {
            case "say": answer.append(.text(rest))
            case "reason": answer.append(.reasoning(rest))
            case "tokens":
                let count = rest.split(separator: " ").first.flatMap { Int($0) } ?? 0
                answer.append(.text((1...max(1, count)).map(String.init).joined(separator: " ")))
            case "tool":
                let call = rest.split(separator: " ", maxSplits: 1)
                let id = "\(messageID)-call-\(index + 1)"
                let input = call.count > 1 ? (try? JSON(parsing: String(call[1]))) ?? .null : .null
                answer.append(
                    .call(
                        Answer.Call(id: id, tool: String(call.first ?? ""), input: input, state: .done(output(of: id))))
                )
            default: continue
            }
        }
        return answer
    }

    /// What the conductor answers to a call, each time it is made.
    static func output(of call: String) -> JSON { ["did": .string(call)] }
}
