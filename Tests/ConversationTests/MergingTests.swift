import Conversation
import Testing

@Suite("Merging by id")
struct MergingTests {
    private static func message(_ id: String, _ text: String) -> Message {
        Message(id: id, role: .assistant, parts: [.text(text)])
    }

    private static func summary(_ messages: [Message]) -> [String] { messages.map { "\($0.id):\($0.text)" } }

    @Test(
        "S59: The rules of merging by id, one by one",
        arguments: [
            ([], [], []),
            (["a:1", "b:1"], [], ["a:1", "b:1"]),
            ([], ["a:2"], ["a:2"]),
            (["a:1", "b:1"], ["a:2"], ["a:2", "b:1"]),
            (["a:1"], ["c:2", "b:2"], ["a:1", "c:2", "b:2"]),
            (["a:1"], ["b:2", "a:2", "b:3"], ["a:2", "b:3"]),
            ([":1"], [":2", ":3"], [":1", ":2", ":3"]),
        ] as [([String], [String], [String])])
    func rules(base: [String], replay: [String], expected: [String]) {
        func parse(_ rows: [String]) -> [Message] {
            rows.map { Self.message($0.hasPrefix(":") ? "" : String($0.prefix(1)), String($0.suffix(1))) }
        }
        #expect(Self.summary(Message.merging(parse(base), with: parse(replay))) == expected)
    }

    @Test("Merging agrees with a search through the whole chain for each message", arguments: UInt64(0)..<40)
    func model(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        func messages(_ label: String) -> [Message] {
            (0..<random.below(12)).map { Self.message(random.pick(["", "a", "b", "c", "d"]), "\(label)\($0)") }
        }
        let (base, replay) = (messages("base"), messages("replay"))
        var expected = base
        for message in replay {
            if !message.id.isEmpty, let known = expected.firstIndex(where: { $0.id == message.id }) {
                expected[known] = message
            } else {
                expected.append(message)
            }
        }
        let merged = Message.merging(base, with: replay)
        #expect(Self.summary(merged) == Self.summary(expected), Comment(rawValue: "seed \(seed)"))
    }
}
