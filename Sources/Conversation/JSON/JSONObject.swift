/// The members of a JSON object, in order, each name once.
///
/// Names are told apart by their bytes, not by Unicode equivalence, so that no member of a foreign object is lost.
/// Equality and hash do not depend on the order.
public struct JSONObject: Sendable {
    public typealias Element = (name: String, value: JSON)

    private var members: [Element] = []
    /// Where each name stands. Only for objects too large for a linear search.
    private var positions: [ExactName: Int]?

    private static let linearSearchLimit = 16

    /// An object without members.
    public init() {}

    /// An object with these members in this order; of members with the same name the last value wins.
    public init(_ members: some Sequence<(String, JSON)>) {
        for (name, value) in members { self[name] = value }
    }

    /// The number of members.
    public var count: Int { members.count }

    /// Whether there are no members.
    public var isEmpty: Bool { members.isEmpty }

    /// The names, in order.
    public var names: [String] { members.map(\.name) }

    /// The value of a member. Setting keeps a known member's place and appends a new one; setting `nil` removes
    /// (use `.null` to store a null).
    public subscript(name: String) -> JSON? {
        get { position(of: name).map { members[$0].value } }
        set {
            guard let newValue else {
                removeValue(name)
                return
            }
            if let position = position(of: name) {
                members[position].value = newValue
            } else {
                append(name, newValue)
            }
        }
    }

    /// Removes a member and returns its value, or `nil` if there was none.
    @discardableResult
    public mutating func removeValue(_ name: String) -> JSON? {
        guard let position = position(of: name) else { return nil }
        let value = members.remove(at: position).value
        if positions != nil { rebuildPositions() }
        return value
    }

    private func position(of name: String) -> Int? {
        if let positions { return positions[ExactName(text: name)] }
        let sought = ExactName(text: name)
        return members.firstIndex { ExactName(text: $0.name) == sought }
    }

    private mutating func append(_ name: String, _ value: JSON) {
        members.append((name, value))
        if positions != nil {
            positions?[ExactName(text: name)] = members.count - 1
        } else if members.count > Self.linearSearchLimit {
            rebuildPositions()
        }
    }

    private mutating func rebuildPositions() {
        guard members.count > Self.linearSearchLimit else {
            positions = nil
            return
        }
        var rebuilt: [ExactName: Int] = [:]
        rebuilt.reserveCapacity(members.count)
        for (position, member) in members.enumerated() { rebuilt[ExactName(text: member.name)] = position }
        positions = rebuilt
    }
}

extension JSONObject: Sequence {
    public func makeIterator() -> IndexingIterator<[Element]> { members.makeIterator() }
    public var underestimatedCount: Int { members.count }
}

extension JSONObject: Hashable {
    public static func == (one: JSONObject, other: JSONObject) -> Bool {
        one.count == other.count && one.members.allSatisfy { other[$0.name] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        // A sum does not depend on the order of its terms.
        var sum = 0
        for (name, value) in members {
            var member = Hasher()
            member.combine(name)
            member.combine(value)
            sum &+= member.finalize()
        }
        hasher.combine(members.count)
        hasher.combine(sum)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}

extension JSONObject: CustomStringConvertible {
    public var description: String { JSON.object(self).serializedString }
}
