/// Takes the members that a type knows out of a JSON object, so that what remains are those it does not know.
///
/// Where a member is optional and has a type, `null` counts as absent; where it holds any JSON, `null` is a value.
struct MemberReader {
    private(set) var remaining: JSONObject

    init(_ json: JSON) throws(ConversationError) {
        guard case .object(let object) = json else {
            throw ConversationError(.invalidMember, "", "must be an object")
        }
        remaining = object
    }

    init(parsing bytes: [UInt8]) throws(ConversationError) {
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            throw ConversationError(error)
        }
        try self.init(json)
    }

    mutating func json(_ name: String) -> JSON? { remaining.removeValue(name) }

    mutating func requiredJSON(_ name: String) throws(ConversationError) -> JSON {
        guard let value = json(name) else { throw missing(name) }
        return value
    }

    mutating func optionalString(_ name: String) throws(ConversationError) -> String? {
        switch json(name) {
        case nil, .null: return nil
        case .string(let value): return value
        default: throw ConversationError(.invalidMember, name, "must be a string")
        }
    }

    mutating func string(_ name: String) throws(ConversationError) -> String {
        guard let value = try optionalString(name) else { throw missing(name) }
        return value
    }

    mutating func optionalBool(_ name: String) throws(ConversationError) -> Bool? {
        switch json(name) {
        case nil, .null: return nil
        case .bool(let value): return value
        default: throw ConversationError(.invalidMember, name, "must be true or false")
        }
    }

    mutating func bool(_ name: String) throws(ConversationError) -> Bool {
        guard let value = try optionalBool(name) else { throw missing(name) }
        return value
    }

    mutating func optionalInt64(_ name: String) throws(ConversationError) -> Int64? {
        switch json(name) {
        case nil, .null: return nil
        case .number(let value):
            guard let whole = value.int64 else { fallthrough }
            return whole
        default: throw ConversationError(.invalidMember, name, "must be a whole number")
        }
    }

    mutating func int64(_ name: String) throws(ConversationError) -> Int64 {
        guard let value = try optionalInt64(name) else { throw missing(name) }
        return value
    }

    mutating func optionalInt(_ name: String) throws(ConversationError) -> Int? {
        guard let value = try optionalInt64(name) else { return nil }
        guard let value = Int(exactly: value) else {
            throw ConversationError(.invalidMember, name, "must be a whole number")
        }
        return value
    }

    mutating func int(_ name: String) throws(ConversationError) -> Int {
        guard let value = try optionalInt(name) else { throw missing(name) }
        return value
    }

    mutating func optionalCase<Value: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Value.Type
    ) throws(ConversationError) -> Value? where Value.RawValue == String {
        guard let text = try optionalString(name) else { return nil }
        guard let value = Value(rawValue: text) else {
            let allowed = Value.allCases.map(\.rawValue).joined(separator: ", ")
            throw ConversationError(.invalidMember, name, "must be one of: \(allowed)")
        }
        return value
    }

    mutating func oneOf<Value: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Value.Type
    ) throws(ConversationError) -> Value where Value.RawValue == String {
        guard let value = try optionalCase(name, type) else { throw missing(name) }
        return value
    }

    private func missing(_ name: String) -> ConversationError {
        ConversationError(.missingMember, name, "is missing")
    }
}
