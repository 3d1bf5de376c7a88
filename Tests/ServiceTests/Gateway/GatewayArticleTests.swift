import Foundation
import Testing

/// The gateway's article and the code know the same error codes.
@Suite("The gateway's article")
struct GatewayArticleTests {
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources")

    /// The codes in the table of errors.
    private static func documented() throws -> Set<String> {
        let path = sources.appendingPathComponent("CarryonService/CarryonService.docc/TheGateway.md")
        let article = try String(contentsOf: path, encoding: .utf8)
        var codes: Set<String> = []
        for line in article.split(separator: "\n") where line.wholeMatch(of: /\| [45]\d\d \|.*/) != nil {
            // The columns after the codes have words of their own.
            let columns = line.split(separator: "|")
            for match in columns[1].matches(of: /`([a-z_]+)`/) { codes.insert(String(match.1)) }
        }
        return codes
    }

    /// The codes that the code makes errors with.
    private static func made() throws -> Set<String> {
        var codes: Set<String> = []
        let enumerator = FileManager.default.enumerator(
            at: sources.appendingPathComponent("Gateway"), includingPropertiesForKeys: nil)
        while let file = enumerator?.nextObject() as? URL {
            guard file.pathExtension == "swift" else { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /(?:GatewayError|self\.init)\(\s*\.[a-zA-Z]+, "([a-z_]+)"/) {
                codes.insert(String(match.1))
            }
            for match in text.matches(of: /refusal\("([a-z_]+)"/) { codes.insert(String(match.1)) }
            for match in text.matches(of: /self\.init\(error\.status, "([a-z_]+)"/) { codes.insert(String(match.1)) }
        }
        return codes
    }

    @Test("Every code that the gateway makes an error with is in the table")
    func complete() throws {
        // The last event of a reader that is cut off has no status.
        let made = try Self.made().subtracting(["reader_too_slow"])
        #expect(made.count > 20)
        #expect(made.subtracting(try Self.documented()) == [])
    }

    @Test("Every code in the table is one that the gateway or a request's decoder makes an error with")
    func nothingElse() throws {
        // Of `RequestError`, which comes with the code that a dead letter has too.
        let decoder: Set = [
            "idempotency_key_too_long", "message_and_text", "missing_action", "invalid_member", "invalid_deadline",
            "request_id_too_long",
        ]
        let made = try Self.made()
        #expect(try Self.documented().subtracting(made).subtracting(decoder) == [])
    }
}
