/// Where a type's members go: a writer's bytes or a tree of values.
protocol MemberSink {
    mutating func member(_ name: StaticString, string value: String?)
    mutating func member(_ name: StaticString, literal value: StaticString)
    mutating func member(_ name: StaticString, int value: Int64?)
    mutating func member(_ name: StaticString, bool value: Bool?)
    mutating func member(_ name: StaticString, json value: JSON?)
    mutating func member(_ name: StaticString, object value: (some ObjectEncodable)?)
    mutating func member(_ name: StaticString, objects values: [some ObjectEncodable])
    mutating func members(_ object: JSONObject)
}

/// A type that is written as one JSON object; its members are listed once, for bytes and for values alike.
protocol ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink)
}

extension ObjectEncodable {
    var encodedJSON: JSON {
        var object = JSONObject()
        encodeMembers(into: &object)
        return .object(object)
    }

    var encodedBytes: [UInt8] {
        var writer = JSONWriter()
        encodeObject(into: &writer)
        return writer.bytes
    }

    func encodeObject(into writer: inout JSONWriter) {
        writer.beginObject()
        encodeMembers(into: &writer)
        writer.endObject()
    }
}

extension JSONWriter: MemberSink {
    mutating func member(_ name: StaticString, object value: (some ObjectEncodable)?) {
        guard let value else { return }
        self.name(name)
        value.encodeObject(into: &self)
    }

    mutating func member(_ name: StaticString, objects values: [some ObjectEncodable]) {
        self.name(name)
        beginArray()
        for value in values { value.encodeObject(into: &self) }
        endArray()
    }
}

extension JSONObject: MemberSink {
    private mutating func set(_ name: StaticString, _ value: JSON?) {
        guard let value else { return }
        self[name.description] = value
    }

    mutating func member(_ name: StaticString, string value: String?) { set(name, value.map { .string($0) }) }
    mutating func member(_ name: StaticString, literal value: StaticString) { set(name, .string(value.description)) }
    mutating func member(_ name: StaticString, bool value: Bool?) { set(name, value.map { .bool($0) }) }
    mutating func member(_ name: StaticString, json value: JSON?) { set(name, value) }

    mutating func member(_ name: StaticString, int value: Int64?) {
        set(name, value.map { .number(JSONNumber(verified: String($0))) })
    }

    mutating func member(_ name: StaticString, object value: (some ObjectEncodable)?) {
        set(name, value.map(\.encodedJSON))
    }

    mutating func member(_ name: StaticString, objects values: [some ObjectEncodable]) {
        set(name, .array(values.map(\.encodedJSON)))
    }

    mutating func members(_ object: JSONObject) {
        for (name, value) in object { self[name] = value }
    }
}
