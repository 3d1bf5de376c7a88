import Conversation

/// What a provider says of a failure, as far as it may be repeated.
///
/// A provider's message can hold a piece of the prompt or of the key, so that it is looked at and never passed on. The
/// names that it gives to the failure are, if they look like names.
struct ReportedError {
    /// Names of the failure, such as `invalid_request_error` and `model_not_found`.
    private(set) var names: [String] = []
    /// A status, where the failure is named by a number.
    private(set) var status: Int?
    /// The member of the request that is meant.
    private(set) var parameter: String?
    /// Whether the prompt does not fit into the model's context.
    private(set) var saysTooLong = false

    init(_ json: JSON?) {
        guard let json else { return }
        let error = json["error"].flatMap { $0.isNull ? nil : $0 } ?? json
        for member in ["type", "code", "status"] {
            let value = error[member]
            if let number = value?.int ?? value?.stringValue.flatMap({ Int($0) }) {
                status = status ?? number
            } else if let name = value?.stringValue, Self.isName(name), !names.contains(name) {
                names.append(name)
            }
        }
        parameter = error["param"]?.stringValue.flatMap { Self.isPath($0) ? $0 : nil }
        let texts = [error.stringValue, error["message"]?.stringValue, json["detail"]?.stringValue].compactMap { $0 }
        saysTooLong = (texts + names).contains { text in
            let text = text.lowercased()
            return Self.signsOfLength.contains { text.contains($0) }
        }
    }

    /// How providers say that a prompt is too long.
    private static let signsOfLength = [
        "context length", "context_length", "context window", "context size", "context_size", "context limit",
        "maximum context", "prompt is too long", "too many tokens", "reduce the length", "input is too long",
        "max_model_len", "exceed_context",
    ]

    /// Keys have digits in them.
    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { isLetter($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
    }

    private static func isPath(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || "_.[]".utf8.contains($0)
            }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
