import Conversation
import Testing

@testable import ChatAgent

@Suite("What spans have of messages")
struct MessageTextsTests {
    private static func read(_ text: String) throws -> [JSON] {
        try JSON(parsing: Array(text.utf8)).arrayValue ?? []
    }

    @Test("The newest messages are kept, in their order, as far as there is room")
    func newest() throws {
        let messages = (0..<100).map { index -> (role: Role, parts: ArraySlice<Part>) in
            (index.isMultiple(of: 2) ? .user : .assistant, [.text("\(index) " + String(repeating: "é", count: 500))])
        }
        let text = MessageTexts.text(of: messages)
        #expect(text.utf8.count < MessageTexts.budget * 3 / 2)
        let kept = try Self.read(text)
        let numbers = kept.compactMap { message -> Int? in
            let content = message["parts"]?.arrayValue?.first?["content"]?.stringValue
            return content?.split(separator: " ").first.flatMap { Int($0) }
        }
        #expect(numbers == Array((100 - numbers.count)..<100))
        #expect((10...17).contains(numbers.count))
        // The oldest of them ends where the room does.
        #expect(kept.first?["parts"]?.arrayValue?.first?["content"]?.stringValue?.hasSuffix(" …") == true)
    }

    @Test("A call is there with its result, and without one that is too large")
    func calls() throws {
        func call(_ output: JSON) -> Part {
            var part = ToolPart(toolCallID: "c1", toolName: "find", state: .outputAvailable)
            (part.input, part.output) = (["what": "it"], output)
            return .tool(part)
        }
        let small = try Self.read(MessageTexts.text(of: [(.assistant, [call("found")])]))
        let expected: JSON = [
            "type": "tool_call", "id": "c1", "name": "find", "arguments": ["what": "it"], "response": "found",
        ]
        #expect(small.first?["parts"]?.arrayValue?.first == expected)
        let large = try Self.read(
            MessageTexts.text(of: [(.assistant, [call(.string(String(repeating: "x", count: 100_000)))])]))
        #expect(large.first?["parts"]?.arrayValue?.first?["response"] == nil)
        #expect(large.first?["parts"]?.arrayValue?.first?["name"] == "find")
    }
}
