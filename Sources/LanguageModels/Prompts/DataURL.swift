import Conversation
import Foundation

/// A URL that holds what it leads to (RFC 2397).
struct DataURL {
    let mediaType: String
    /// The content in base64.
    let base64: String

    /// `nil` for any other URL, and for one whose content cannot be read.
    init?(_ url: String) {
        guard url.prefix(5).lowercased() == "data:", let comma = url.firstIndex(of: ",") else { return nil }
        let attributes = url[url.index(url.startIndex, offsetBy: 5)..<comma].split(
            separator: ";", omittingEmptySubsequences: false)
        let content = String(url[url.index(after: comma)...])
        mediaType = attributes.first.flatMap { $0.isEmpty ? nil : $0.lowercased() } ?? "text/plain"
        if attributes.dropFirst().contains(where: { $0.lowercased() == "base64" }) {
            let text = content.removingPercentEncoding ?? content
            guard !text.isEmpty, text.utf8.allSatisfy(Self.isBase64) else { return nil }
            base64 = text
        } else {
            guard let text = content.removingPercentEncoding else { return nil }
            base64 = Data(text.utf8).base64EncodedString()
        }
    }

    /// The content as a text; `nil` if it is not UTF-8.
    var text: String? { Data(base64Encoded: base64).flatMap { String(data: $0, encoding: .utf8) } }

    /// The URL in its usual form.
    var url: String { "data:\(mediaType);base64,\(base64)" }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "+/=".utf8.contains(byte)
        }
    }
}

extension FilePart {
    /// How a file is told of to a model that is not given it.
    var mention: String { "[file \(filename ?? mediaType)\(url.hasPrefix("data:") ? "" : ": \(url)")]" }

    var isImage: Bool { mediaType.lowercased().hasPrefix("image/") }
}
