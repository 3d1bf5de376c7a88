import Conversation

/// The ids of calls, each once in a conversation: there are servers that give none, and servers that count anew in
/// every answer.
struct CallIDs {
    private var taken: Set<String> = []
    private let make: @Sendable () -> String

    init(_ request: ModelRequest, _ make: @escaping @Sendable () -> String) {
        self.make = make
        for message in request.messages { take(message) }
        if let answer = request.continuation { take(answer) }
    }

    private mutating func take(_ message: Message) {
        for case .tool(let call) in message.parts { taken.insert(call.toolCallID) }
    }

    /// The id that a call gets whose server calls it `id`.
    mutating func own(_ id: String?) -> String {
        var own = id ?? make()
        while !taken.insert(own).inserted { own = make() }
        return own
    }

    /// 128 random bits.
    @Sendable static func random() -> String {
        let bits =
            String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
        return "call_\(bits)"
    }
}
