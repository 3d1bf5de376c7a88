/// One part of a message.
public enum Part: Sendable, Hashable {
    case text(TextPart)
    case reasoning(ReasoningPart)
    // Indirect, like the other rare ones: a history holds one part for nearly every message, and it is as large as its
    // largest case.
    /// A call of a tool, `tool-NAME` or `dynamic-tool`.
    indirect case tool(ToolPart)
    indirect case file(FilePart)
    indirect case sourceURL(SourceURLPart)
    indirect case sourceDocument(SourceDocumentPart)
    /// The application's own data, `data-NAME`.
    indirect case data(DataPart)
    /// A boundary between two steps of the model.
    case stepStart(StepStartPart = StepStartPart())
    /// A part of a type that this library does not know, as it came. It has a string member `type`.
    case unknown(JSONObject)

    /// A finished text part without a state.
    public static func text(_ text: String) -> Part { .text(TextPart(text)) }

    /// A finished reasoning part without a state.
    public static func reasoning(_ text: String) -> Part { .reasoning(ReasoningPart(text)) }

    /// Reads a part. A type that is not known becomes ``unknown(_:)``; a part without a type is an error.
    public init(json: JSON) throws(ConversationError) {
        var members = try MemberReader(json)
        let type = try members.string("type")
        switch type {
        case "text": self = .text(try TextPart(&members))
        case "reasoning": self = .reasoning(try ReasoningPart(&members))
        case "file": self = .file(try FilePart(&members))
        case "source-url": self = .sourceURL(try SourceURLPart(&members))
        case "source-document": self = .sourceDocument(try SourceDocumentPart(&members))
        case "step-start": self = .stepStart(StepStartPart(unknown: members.remaining))
        case "dynamic-tool":
            let name = try members.string("toolName")
            self = .tool(try ToolPart(&members, toolName: name, isDynamic: true))
        case LegacyToolInvocation.type where members.remaining[LegacyToolInvocation.member] != nil:
            self = .unknown(json.objectValue ?? JSONObject())
        case _ where type.hasPrefix("tool-"):
            self = .tool(try ToolPart(&members, toolName: String(type.dropFirst(5)), isDynamic: false))
        case _ where type.hasPrefix("data-"):
            self = .data(try DataPart(&members, name: String(type.dropFirst(5))))
        default:
            self = .unknown(json.objectValue ?? JSONObject())
        }
    }

    /// The part as a JSON object.
    public var json: JSON { encodedJSON }

    /// Writes the part as one JSON object.
    public func write(into writer: inout JSONWriter) { encodeObject(into: &writer) }
}

extension Part: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        switch self {
        case .text(let part): part.encodeMembers(into: &sink)
        case .reasoning(let part): part.encodeMembers(into: &sink)
        case .tool(let part): part.encodeMembers(into: &sink)
        case .file(let part): part.encodeMembers(into: &sink)
        case .sourceURL(let part): part.encodeMembers(into: &sink)
        case .sourceDocument(let part): part.encodeMembers(into: &sink)
        case .data(let part): part.encodeMembers(into: &sink)
        case .stepStart(let part):
            sink.member("type", literal: "step-start")
            sink.members(part.unknown)
        case .unknown(let members): sink.members(members)
        }
    }
}
