import LanguageModels
import Logging
import TurnHost

/// How a value of one type is written: what is accepted, and the two directions between text and value.
///
/// `parse(text(value)) == value` holds for every value that `parse` returns: settings cross to a turn host as text.
struct SettingKind<Value: Sendable>: Sendable {
    var accepts: String
    /// `nil`, or a ``Refusal`` with a reason, for a text that is not accepted.
    var parse: @Sendable (String) throws -> Value?
    var text: @Sendable (Value) -> String
    /// Whether a flag without a value means `1`.
    var isSwitch = false
    /// Whether a file may give a sequence instead of one text.
    var isList = false
    /// Which numbers are accepted, of a kind that accepts whole numbers and nothing else.
    var range: ClosedRange<Int>?

    /// The same kind, where an empty text stands for no value.
    var optional: SettingKind<Value?> {
        SettingKind<Value?>(
            accepts: "\(accepts), or nothing",
            parse: { [parse] in
                if $0.isEmpty { return .some(nil) }
                // Flattened by hand: nil of the inner kind is a refusal, not "no value".
                guard let value = try parse($0) else { return nil }
                return .some(value)
            },
            text: { [text] in $0.map(text) ?? "" },
            isSwitch: isSwitch, isList: isList)
    }
}

extension SettingKind where Value == Int {
    static func number(_ range: ClosedRange<Int>) -> Self {
        SettingKind(
            accepts: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            parse: { Int($0).flatMap { range.contains($0) ? $0 : nil } },
            text: { String($0) }, range: range)
    }

    static func byteCount(atLeast minimum: Int) -> Self {
        SettingKind(
            accepts: "\(Quantity.byteCountForm), at least \(Quantity.text(ofByteCount: minimum))",
            parse: { Quantity.byteCount($0).flatMap { $0 >= minimum ? $0 : nil } },
            text: { Quantity.text(ofByteCount: $0) })
    }
}

extension SettingKind where Value == Duration {
    static var duration: Self {
        SettingKind(
            accepts: Quantity.durationForm, parse: { Quantity.duration($0) }, text: { Quantity.text(of: $0) })
    }
}

extension SettingKind where Value == Duration {
    static var waitingTime: Self {
        SettingKind(
            accepts: "\(Quantity.durationForm), more than nothing",
            parse: { Quantity.duration($0).flatMap { $0 > .zero ? $0 : nil } },
            text: { Quantity.text(of: $0) })
    }
}

extension SettingKind where Value == Bool {
    static var onOrOff: Self {
        SettingKind(
            accepts: "1, true, 0 or false",
            parse: { ["1": true, "true": true, "0": false, "false": false][$0] },
            text: { $0 ? "1" : "0" },
            isSwitch: true)
    }
}

extension SettingKind where Value == String {
    static func nonempty(_ accepts: String) -> Self {
        SettingKind(accepts: accepts, parse: { $0.isEmpty ? nil : $0 }, text: { $0 })
    }

    static var baseURL: Self {
        SettingKind(
            accepts: "http://HOST or https://HOST, with a path if need be",
            parse: { (try? ModelEndpoint(baseURL: $0)) == nil ? nil : $0 }, text: { $0 })
    }

    /// What a header can carry.
    static var providerKey: Self {
        SettingKind(
            accepts: "a key without spaces",
            parse: { key in
                let isLegal = !key.isEmpty && key.utf8.allSatisfy { (0x21...0x7E).contains($0) }
                return isLegal ? key : nil
            },
            text: { $0 })
    }

    /// A topic's name, or the beginning of one: Kafka's own rules.
    static func topicName(atMost length: Int) -> Self {
        SettingKind(
            accepts: "1 to \(length) of the characters a-z, A-Z, 0-9, '.', '_' and '-'",
            parse: { text in
                let isLegal = text.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
                return isLegal && (1...length).contains(text.utf8.count) && text != "." && text != ".." ? text : nil
            },
            text: { $0 })
    }
}

extension SettingKind where Value == String? {
    /// Lower case and trimmed, so that one region has one spelling everywhere.
    static var region: Self {
        SettingKind(
            accepts: "a name without spaces and commas, or nothing",
            parse: { text in
                let name = text.lowercased().trimmed
                let isLegal = !name.unicodeScalars.contains {
                    $0 == "," || $0.properties.isWhitespace || $0.properties.generalCategory == .control
                }
                return isLegal ? .some(name.isEmpty ? nil : name) : nil
            },
            text: { $0 ?? "" })
    }
}

extension SettingKind where Value == [String] {
    /// Words apart by commas or, as in a file, by line ends.
    static func words(_ accepts: String) -> Self {
        SettingKind(
            accepts: accepts,
            parse: { text in
                let words = text.split { $0 == "," || $0.isNewline }.map { String($0).trimmed }.filter { !$0.isEmpty }
                return words.contains { $0.contains(where: \.isWhitespace) } ? nil : words
            },
            text: { $0.joined(separator: ",") },
            isList: true)
    }
}

extension SettingKind where Value == [String] {
    /// Names with values, as a header has them.
    static var pairs: Self {
        let words = words("NAME=VALUE apart by commas")
        return SettingKind(
            accepts: words.accepts,
            parse: { text in
                guard let pairs = try words.parse(text) else { return nil }
                let areWhole = pairs.allSatisfy { ($0.firstIndex(of: "=") ?? $0.startIndex) > $0.startIndex }
                return areWhole ? pairs : nil
            },
            text: words.text, isList: true)
    }
}

extension SettingKind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    static var oneOf: Self {
        SettingKind(
            accepts: Value.allCases.map(\.rawValue).joined(separator: ", "),
            parse: { Value(rawValue: $0) },
            text: { $0.rawValue })
    }
}

extension SettingKind where Value == ListenAddress {
    static var address: Self {
        SettingKind(
            accepts: "HOST:PORT, an IPv6 host in brackets",
            parse: { ListenAddress($0) },
            text: { $0.description })
    }
}

extension SettingKind where Value == [ListenAddress] {
    static var addresses: Self {
        let words = SettingKind<[String]>.words("")
        return SettingKind(
            accepts: "addresses (HOST:PORT) apart by commas",
            parse: { text in
                guard let words = try words.parse(text) else { return nil }
                let addresses = words.compactMap { ListenAddress($0) }
                return addresses.count == words.count ? addresses : nil
            },
            text: { $0.map(\.description).joined(separator: ",") },
            isList: true)
    }
}

extension SettingKind where Value == KillAt {
    static var killAt: Self {
        SettingKind(
            accepts: "[host|worker]:STEP[:TIMES], where STEP is one of "
                + TurnStep.allCases.map(\.rawValue).joined(separator: ", "),
            parse: { KillAt($0) },
            text: { $0.description })
    }
}

extension SettingKind where Value == StoreLocation {
    static var store: Self {
        SettingKind(
            accepts: "sqlite:PATH or postgres://…, with all that libpq knows",
            parse: { text in
                if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") { return .postgres(url: text) }
                guard text.hasPrefix("sqlite:") else { return nil }
                let path = String(text.dropFirst("sqlite:".count))
                return path.isEmpty ? nil : .sqlite(path: path)
            },
            text: { $0.text })
    }
}

extension SettingKind where Value == ModelChoice {
    static var model: Self {
        SettingKind(
            accepts: "scripted, openai:MODEL or anthropic:MODEL",
            parse: { text in
                if text == "scripted" { return .scripted }
                guard let colon = text.firstIndex(of: ":") else { return nil }
                let name = String(text[text.index(after: colon)...])
                guard !name.isEmpty, !name.contains(where: \.isWhitespace) else { return nil }
                return switch text[..<colon] {
                case "openai": .openAI(name)
                case "anthropic": .anthropic(name)
                default: nil
                }
            },
            text: { choice in
                switch choice {
                case .scripted: "scripted"
                case .openAI(let name): "openai:\(name)"
                case .anthropic(let name): "anthropic:\(name)"
                }
            })
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        let start = drop(while: \.isWhitespace)
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }
}
