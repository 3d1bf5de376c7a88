import Conversation
import Yams

extension AgentNode {
    /// How many values a JSON value of a file may have: aliases can make a short file long.
    private static let maximumValues = 100_000

    /// The schema that stands there.
    func schema() throws(AgentFileError) -> JSONSchema {
        let json = try json()
        do {
            return try JSONSchema(json)
        } catch {
            throw refused(
                .malformedValue, "is no JSON schema that can be used: \(error.description.dropLast())",
                at: mark(at: error.pointer))
        }
    }

    /// The value as JSON. What is not quoted is read as in YAML's core schema: `true`, `false`, `null` and JSON's
    /// numbers are what they look like, anything else is a text.
    func json() throws(AgentFileError) -> JSON {
        var left = Self.maximumValues
        return try json(node, depth: 0, left: &left)
    }

    private func json(_ node: Node, depth: Int, left: inout Int) throws(AgentFileError) -> JSON {
        left -= 1
        guard depth < JSON.maximumDepth, left >= 0 else {
            throw refused(.malformedValue, "is too large, or nested too deep", at: node.mark)
        }
        switch node {
        case .scalar(let scalar): return Self.json(scalar)
        case .sequence(let sequence):
            var elements: [JSON] = []
            for element in sequence { elements.append(try json(element, depth: depth + 1, left: &left)) }
            return .array(elements)
        case .mapping(let mapping):
            var object = JSONObject()
            for (keyNode, value) in mapping {
                guard let name = keyNode.scalar?.string else {
                    throw refused(.malformedFile, "has a key that is not a name", at: keyNode.mark)
                }
                object[name] = try json(value, depth: depth + 1, left: &left)
            }
            return .object(object)
        case .alias: throw refused(.malformedFile, "has an alias that leads nowhere", at: node.mark)
        }
    }

    private static func json(_ scalar: Node.Scalar) -> JSON {
        guard scalar.style == .plain else { return .string(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        case let text:
            if let first = text.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first),
                case .number(let number)? = try? JSON(parsing: text)
            {
                return .number(number)
            }
            return .string(text)
        }
    }

    /// Where the value stands that a JSON pointer leads to, or as much of the way to it as there is.
    private func mark(at pointer: String) -> Mark? {
        var place = node
        for step in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = String(step).replacing("~1", with: "/").replacing("~0", with: "~")
            let next: Node?
            switch place {
            case .mapping(let mapping): next = mapping.first { $0.key.scalar?.string == name }?.value
            case .sequence(let sequence):
                next = Int(name).flatMap { sequence.indices.contains($0) ? sequence[$0] : nil }
            case .scalar, .alias: next = nil
            }
            guard let next else { break }
            place = next
        }
        return place.mark ?? node.mark
    }
}
