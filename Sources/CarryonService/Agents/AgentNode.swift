import LanguageModels
import Yams

/// A value in an agent's file, with what is needed to say where it stands.
struct AgentNode {
    let node: Node
    /// The key, with those it stands in; empty for the whole file.
    let key: String
    let file: String

    /// - Parameter content: the file's text.
    /// - Returns: `nil` for a file without content.
    static func root(of content: String, file: String, key: String = "") throws(AgentFileError) -> AgentNode? {
        do {
            return try compose(yaml: content).map { AgentNode(node: $0, key: key, file: file) }
        } catch {
            // The parser's own description quotes the file.
            let (problem, mark) = problem(error)
            throw AgentFileError(
                code: .malformedFile, key: key, file: file, line: mark?.line, column: mark?.column,
                message: "is not YAML: \(problem)")
        }
    }

    private static func problem(_ error: any Error) -> (String, Mark?) {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            (problem, mark)
        case .duplicatedKeysInMapping(let duplicates, let context):
            ("\(duplicates.joined(separator: ", ")) is given twice", context.mark)
        case .reader(let problem, _, _, _): (problem, nil)
        default: ("it cannot be read", nil)
        }
    }

    func refused(_ code: AgentFileError.Code, _ message: String) -> AgentFileError {
        refused(code, message, at: node.mark)
    }

    func refused(_ code: AgentFileError.Code, _ message: String, at mark: Mark?) -> AgentFileError {
        AgentFileError(code: code, key: key, file: file, line: mark?.line, column: mark?.column, message: message)
    }

    /// Whether nothing stands there: `tools:` without a value.
    var isNothing: Bool {
        guard let scalar = node.scalar, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    var isMap: Bool { node.mapping != nil }

    func child(_ name: String, _ node: Node) -> AgentNode {
        AgentNode(node: node, key: key.isEmpty ? name : "\(key).\(name)", file: file)
    }

    /// What stands there, for messages.
    private var kind: String {
        switch node {
        case .scalar: isNothing ? "empty" : "a single value"
        case .mapping: "a map"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    func mistyped(accepts: String) -> AgentFileError {
        refused(.wrongType, "is \(kind); it accepts \(accepts)")
    }
}

extension AgentNode {
    func text(accepts: String = "a text") throws(AgentFileError) -> String {
        guard let scalar = node.scalar, !isNothing else { throw mistyped(accepts: accepts) }
        return scalar.string
    }

    /// A value that is written as a text, and what `parse` makes of it.
    func value<Value>(accepts: String, _ parse: (String) -> Value?) throws(AgentFileError) -> Value {
        let text = try text(accepts: accepts)
        guard let value = parse(text) else {
            throw refused(.malformedValue, "is \"\(text)\"; it accepts \(accepts)")
        }
        return value
    }

    func nonemptyText(accepts: String = "a text") throws(AgentFileError) -> String {
        try value(accepts: accepts) { $0.trimmed.isEmpty ? nil : $0 }
    }

    func number(_ range: ClosedRange<Int>) throws(AgentFileError) -> Int {
        try value(accepts: "a whole number from \(range.lowerBound) to \(range.upperBound)") {
            Int($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func decimal(_ range: ClosedRange<Double>) throws(AgentFileError) -> Double {
        try value(accepts: "a number from \(range.lowerBound) to \(range.upperBound)") {
            Double($0).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    func duration(isZeroAllowed: Bool = false) throws(AgentFileError) -> Duration {
        try value(accepts: Quantity.durationForm) {
            Quantity.duration($0).flatMap { $0 > .zero || isZeroAllowed ? $0 : nil }
        }
    }

    func boolean() throws(AgentFileError) -> Bool {
        try value(accepts: "true or false") { ["true": true, "false": false][$0] }
    }

    func choice<Value: RawRepresentable & CaseIterable>(
        of type: Value.Type = Value.self
    ) throws(AgentFileError) -> Value where Value.RawValue == String {
        let accepts = Value.allCases.map(\.rawValue).joined(separator: ", ")
        return try value(accepts: accepts) { Value(rawValue: $0) }
    }

    func elements(accepts: String) throws(AgentFileError) -> [AgentNode] {
        guard let sequence = node.sequence else { throw mistyped(accepts: accepts) }
        return sequence.enumerated().map { AgentNode(node: $1, key: "\(key)[\($0)]", file: file) }
    }

    /// The members of a map, each with the place of its key.
    func members(accepts: String) throws(AgentFileError) -> [(name: String, value: AgentNode, mark: Mark?)] {
        guard let mapping = node.mapping else { throw mistyped(accepts: accepts) }
        var members: [(name: String, value: AgentNode, mark: Mark?)] = []
        for (keyNode, value) in mapping {
            guard let name = keyNode.scalar?.string else {
                throw refused(.malformedFile, "has a key that is not a name", at: keyNode.mark)
            }
            members.append((name, child(name, value), keyNode.mark))
        }
        return members
    }
}
