extension Request {
    /// Reads a record's value.
    ///
    /// Members that are not known are ignored. `null` counts as absent, except for `data` and `action`, where it is a
    /// value; an empty `id` or idempotency key counts as absent too.
    ///
    /// - Parameters:
    ///   - value: The record's value; `nil` is a tombstone, which is no request.
    ///   - idempotencyKeyHeader: The record's `idempotency-key` header; the member wins over it.
    ///   - fallbackMessageID: The id of the message if the producer gave none.
    /// - Throws: What is wrong, with a stable code and the member at fault.
    public static func decode(
        value: [UInt8]?, idempotencyKeyHeader: String?, fallbackMessageID: String
    ) throws(RequestError) -> Request {
        guard let value else {
            throw RequestError(code: "tombstone", message: "The record has no value, so it asks for nothing.")
        }
        return try decode(
            try parse(value), idempotencyKeyHeader: idempotencyKeyHeader, fallbackMessageID: fallbackMessageID)
    }

    /// Reads a request's JSON; see ``decode(value:idempotencyKeyHeader:fallbackMessageID:)``.
    public static func decode(
        _ json: JSON, idempotencyKeyHeader: String?, fallbackMessageID: String
    ) throws(RequestError) -> Request {
        var members: MemberReader
        do {
            members = try MemberReader(json)
        } catch {
            throw RequestError(code: "not_an_object", message: "A request must be a JSON object.")
        }
        let type = try requestType(&members)
        let id = try id(&members)
        let key = try idempotencyKey(&members, header: idempotencyKeyHeader)
        let deadline = try deadline(&members)
        let data = members.json("data")
        let kind: Kind
        switch type {
        case "message": kind = .message(try message(&members, fallbackID: fallbackMessageID))
        case "regenerate": kind = .regenerate
        case "action":
            guard let action = members.json("action") else {
                throw RequestError(
                    code: "missing_action", message: "A request of type action needs the member action.",
                    param: "action")
            }
            kind = .action(action)
        case "preload": kind = .preload
        case "stop": kind = .stop(reason: try string("reason", &members))
        case "close": kind = .close(reason: try string("reason", &members))
        default:
            throw RequestError(
                code: "unknown_type",
                message: "A request's type must be one of: message, regenerate, action, preload, stop, close.",
                param: "type")
        }
        return Request(
            kind: kind, id: id.nonEmpty, data: data, idempotencyKey: key, deadline: deadline)
    }

    private static func parse(_ value: [UInt8]) throws(RequestError) -> JSON {
        do {
            return try JSON(parsing: value)
        } catch {
            let code = error.reason == .invalidUTF8 ? "invalid_utf8" : "invalid_json"
            throw RequestError(code: code, message: "The record's value is not a request: \(error)")
        }
    }

    private static func requestType(_ members: inout MemberReader) throws(RequestError) -> String {
        guard let type = try string("type", &members) else {
            throw RequestError(code: "missing_type", message: "A request needs the member type.", param: "type")
        }
        return type
    }

    private static func id(_ members: inout MemberReader) throws(RequestError) -> String? {
        let id = try string("id", &members)
        guard id?.utf8.count ?? 0 <= maximumIDLength else {
            throw RequestError(
                code: "request_id_too_long", message: "A request's id must be \(maximumIDLength) bytes or less.",
                param: "id")
        }
        return id
    }

    private static func string(_ name: String, _ members: inout MemberReader) throws(RequestError) -> String? {
        do {
            return try members.optionalString(name)
        } catch {
            throw invalidMember(error)
        }
    }

    private static func invalidMember(_ error: ConversationError) -> RequestError {
        RequestError(code: "invalid_member", message: error.description, param: error.path)
    }

    private static func idempotencyKey(
        _ members: inout MemberReader, header: String?
    ) throws(RequestError) -> String? {
        let member = try string("idempotencyKey", &members).nonEmpty
        guard let key = member ?? header.nonEmpty else { return nil }
        guard key.utf16.count <= maximumIdempotencyKeyLength else {
            let param = member == nil ? "idempotency-key" : "idempotencyKey"
            throw RequestError(
                code: "idempotency_key_too_long",
                message: "The \(param) must be \(maximumIdempotencyKeyLength) characters or less.", param: param)
        }
        return key
    }

    private static func deadline(_ members: inout MemberReader) throws(RequestError) -> Timestamp? {
        let invalid = RequestError(
            code: "invalid_deadline", message: "The member deadline must be a time in the form of RFC 3339.",
            param: "deadline")
        switch members.json("deadline") {
        case nil, .null: return nil
        case .string(let text):
            guard let deadline = Timestamp(rfc3339: text) else { throw invalid }
            return deadline
        default: throw invalid
        }
    }

    private static func message(_ members: inout MemberReader, fallbackID: String) throws(RequestError) -> Message {
        let text = try string("text", &members)
        let value = members.json("message").flatMap { $0.isNull ? nil : $0 }
        switch (value, text) {
        case (nil, nil):
            throw RequestError(
                code: "missing_message", message: "A request of type message needs the member message or text.",
                param: "message")
        case (_?, _?):
            throw RequestError(
                code: "message_and_text", message: "A request has either the member message or text, not both.",
                param: "text")
        case (nil, let text?):
            return .user(id: fallbackID, text: text)
        case (let value?, nil):
            return try message(value, fallbackID: fallbackID)
        }
    }

    private static func message(_ value: JSON, fallbackID: String) throws(RequestError) -> Message {
        var value = value
        if case .object(var object) = value {
            switch object["id"] {
            case nil, .null, .string(""):
                object["id"] = .string(fallbackID)
                value = .object(object)
            default: break
            }
        }
        do throws(ConversationError) {
            let message = try Message(json: value)
            guard message.role != .system else {
                throw ConversationError(.invalidMember, "role", "must be user or assistant in a request")
            }
            return message
        } catch {
            throw invalidMember(error.within("message"))
        }
    }
}

extension Optional<String> {
    /// The text, unless it is empty.
    fileprivate var nonEmpty: String? { flatMap { $0.isEmpty ? nil : $0 } }
}
