import Foundation
import Testing

@Suite("The article 'Writing an agent'")
struct ArticleTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    @Test(
        "It shows the example's files as they are, which compile",
        arguments: [
            "Sources/carryon-example/OrderDesk.swift", "Sources/carryon-example/main.swift",
            "Tests/ExampleTests/OrderDeskTests.swift",
        ])
    func showsTheExample(path: String) throws {
        let article = try Self.text("Sources/CarryonService/CarryonService.docc/WritingAnAgent.md")
        // The reader's package has a name of its own.
        let file = try Self.text(path).replacing("carryon_example", with: "order_desk")
        #expect(article.contains(file), "the article does not show \(path) as it is")
    }
}
