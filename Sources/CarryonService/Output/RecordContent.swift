import Conversation
import Foundation

/// A record's bytes, as what they turn out to be.
enum RecordContent: Sendable, Hashable {
    case none
    case json(JSON)
    case text(String)
    case bytes([UInt8])

    /// More than this is not shown to people.
    private static let most = 16_384

    init(_ bytes: [UInt8]?) {
        guard let bytes else {
            self = .none
            return
        }
        if let json = try? JSON(parsing: bytes) {
            self = .json(json)
        } else if let text = String(validating: bytes, as: UTF8.self) {
            self = .text(text)
        } else {
            self = .bytes(bytes)
        }
    }

    /// For people: JSON laid out, text with its control characters written out, anything else in hexadecimal.
    var shown: String {
        switch self {
        case .none: "(none)"
        case .json(let json): json.laidOut()
        case .text(let text): Self.cut(text.isEmpty ? "(empty)" : text.linesPrintable)
        case .bytes(let bytes): Self.cut(bytes.hexLines(atMost: Self.most / 2))
        }
    }

    /// The members that tell it to a script: `value`, `text` or `base64`.
    var members: JSONObject {
        switch self {
        case .none: ["value": .null]
        case .json(let json): ["value": json]
        case .text(let text): ["text": .string(text)]
        case .bytes(let bytes): ["base64": .string(Data(bytes).base64EncodedString())]
        }
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= most ? text : text.prefix(most) + "\n... (cut here; --json shows all of it)"
    }
}

extension JSON {
    /// The value over several lines, two spaces a level; strings stay JSON's own, so no control character gets out.
    func laidOut(_ indentation: String = "") -> String {
        let inner = indentation + "  "
        switch self {
        case .object(let object) where !object.isEmpty:
            let members = object.names.map { name in
                "\(inner)\(JSON.string(name).serializedString): \((object[name] ?? .null).laidOut(inner))"
            }
            return "{\n\(members.joined(separator: ",\n"))\n\(indentation)}"
        case .array(let elements) where !elements.isEmpty:
            return "[\n\(elements.map { inner + $0.laidOut(inner) }.joined(separator: ",\n"))\n\(indentation)]"
        default: return serializedString
        }
    }
}

extension String {
    /// Printable, line by line.
    fileprivate var linesPrintable: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(separator: "\n")
    }
}

extension [UInt8] {
    /// Sixteen bytes a line.
    fileprivate func hexLines(atMost count: Int) -> String {
        stride(from: 0, to: Swift.min(self.count, count), by: 16)
            .map { self[$0..<Swift.min($0 + 16, self.count)].map { [$0].hex }.joined(separator: " ") }
            .joined(separator: "\n") + (self.count > count ? "\n... (\(self.count) bytes)" : "")
    }
}
