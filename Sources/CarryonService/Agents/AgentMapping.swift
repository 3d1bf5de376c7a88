/// A map in an agent's file whose keys are known ones. A key without a value counts as absent.
struct AgentMapping {
    let owner: AgentNode
    private var values: [String: AgentNode] = [:]

    /// - Parameter keys: all that may stand in it.
    init(_ owner: AgentNode, keys: [String]) throws(AgentFileError) {
        self.owner = owner
        let accepts = "the keys \(keys.joined(separator: ", "))"
        for (name, value, mark) in try owner.members(accepts: "a map with \(accepts)") {
            guard keys.contains(name) else {
                let place = owner.key.isEmpty ? "an agent's file" : owner.key
                throw value.refused(.unknownKey, "is not known; \(place) accepts \(accepts)", at: mark)
            }
            if !value.isNothing { values[name] = value }
        }
    }

    subscript(key: String) -> AgentNode? { values[key] }

    func required(_ key: String) throws(AgentFileError) -> AgentNode {
        guard let value = values[key] else { throw missing("the key \(key)") }
        return value
    }

    /// The one of these keys that is given.
    /// - Returns: `nil` if none is.
    func oneOf(_ keys: [String]) throws(AgentFileError) -> (key: String, value: AgentNode)? {
        let given = keys.compactMap { key in values[key].map { (key: key, value: $0) } }
        if given.count > 1 {
            throw given[1].value.refused(
                .notAllowed,
                "cannot stand beside \(given[0].key); \(owner.key.isEmpty ? "the file" : owner.key) "
                    + "accepts one of \(keys.joined(separator: ", "))")
        }
        return given.first
    }

    func requiredOneOf(_ keys: [String]) throws(AgentFileError) -> (key: String, value: AgentNode) {
        guard let given = try oneOf(keys) else { throw missing("one of the keys \(keys.joined(separator: ", "))") }
        return given
    }

    private func missing(_ what: String) -> AgentFileError { owner.refused(.missingKey, "lacks \(what)") }
}
