import Foundation
import Testing

@Suite("The article on testing")
struct ArticleTests {
    @Test("Its examples are those that are compiled and run here, and no others")
    func examples() throws {
        let file = URL(fileURLWithPath: #filePath)
        let root = file.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let article = try String(
            contentsOf: root.appendingPathComponent("Sources/CarryonTesting/CarryonTesting.docc/CarryonTesting.md"),
            encoding: .utf8)
        let source = try String(
            contentsOf: file.deletingLastPathComponent().appendingPathComponent("Examples.swift"), encoding: .utf8)
        let compiled = source.components(separatedBy: "import Testing\n\n").dropFirst().joined()
            .components(separatedBy: "\n}\n").map { $0.trimmingCharacters(in: .newlines) }
            .filter { !$0.isEmpty }.map { $0 + "\n}" }
        let shown = article.components(separatedBy: "```swift\n").dropFirst()
            .compactMap { $0.components(separatedBy: "\n```").first }
        #expect(compiled.count == 8)
        #expect(shown == compiled)
    }
}
