/// One chunk of an answer as it streams: the AI SDK's UI message stream, version 1.
///
/// Members and types that this library does not know survive a round trip.
public enum Chunk: Sendable, Hashable {
    case start(MessageStart = MessageStart())
    case startStep(StepBoundary = StepBoundary())
    case textStart(TextBoundary)
    case textDelta(TextDelta)
    case textEnd(TextBoundary)
    case reasoningStart(TextBoundary)
    case reasoningDelta(TextDelta)
    case reasoningEnd(TextBoundary)
    // Indirect, like the parts that are rare: a chunk is passed on for every word, and is as large as its largest case.
    indirect case toolInputStart(ToolInputStart)
    indirect case toolInputDelta(ToolInputDelta)
    indirect case toolInputAvailable(ToolInputAvailable)
    indirect case toolInputError(ToolInputError)
    indirect case toolApprovalRequest(ToolApprovalRequest)
    indirect case toolOutputAvailable(ToolOutputAvailable)
    indirect case toolOutputError(ToolOutputError)
    indirect case toolOutputDenied(ToolOutputDenied)
    indirect case sourceURL(SourceURLPart)
    indirect case sourceDocument(SourceDocumentPart)
    indirect case file(FilePart)
    indirect case data(DataChunk)
    indirect case messageMetadata(MessageMetadata)
    case finishStep(StepBoundary = StepBoundary())
    case finish(MessageFinish = MessageFinish())
    case error(StreamError)
    case abort(StreamAbort = StreamAbort())
    /// A chunk of a type that this library does not know, as it came. It has a string member `type`.
    case unknown(JSONObject)

    /// Reads a chunk. An unknown type becomes ``unknown(_:)``; a value that is not an object, a `type` that is missing
    /// or no string, and a known member of the wrong type are errors.
    public init(json: JSON) throws(ConversationError) {
        var members = try MemberReader(json)
        try self.init(&members)
    }

    /// Reads a chunk from JSON in UTF-8. Throws as ``init(json:)`` does.
    public init(parsing bytes: [UInt8]) throws(ConversationError) {
        var members = try MemberReader(parsing: bytes)
        try self.init(&members)
    }

    /// The chunk as a JSON object.
    public var json: JSON { encodedJSON }

    /// The chunk as compact JSON in UTF-8.
    public func serialized() -> [UInt8] { encodedBytes }

    /// Writes the chunk as one JSON object.
    public func write(into writer: inout JSONWriter) { encodeObject(into: &writer) }
}

extension Chunk {
    public static func start(messageID: String?, messageMetadata: JSON? = nil) -> Chunk {
        .start(MessageStart(messageID: messageID, messageMetadata: messageMetadata))
    }

    public static func textStart(id: String) -> Chunk { .textStart(TextBoundary(id: id)) }
    public static func textDelta(id: String, delta: String) -> Chunk { .textDelta(TextDelta(id: id, delta: delta)) }
    public static func textEnd(id: String) -> Chunk { .textEnd(TextBoundary(id: id)) }
    public static func reasoningStart(id: String) -> Chunk { .reasoningStart(TextBoundary(id: id)) }

    public static func reasoningDelta(id: String, delta: String) -> Chunk {
        .reasoningDelta(TextDelta(id: id, delta: delta))
    }

    public static func reasoningEnd(id: String) -> Chunk { .reasoningEnd(TextBoundary(id: id)) }

    public static func toolInputStart(toolCallID: String, toolName: String, dynamic: Bool? = nil) -> Chunk {
        .toolInputStart(ToolInputStart(toolCallID: toolCallID, toolName: toolName, dynamic: dynamic))
    }

    public static func toolInputDelta(toolCallID: String, inputTextDelta: String) -> Chunk {
        .toolInputDelta(ToolInputDelta(toolCallID: toolCallID, inputTextDelta: inputTextDelta))
    }

    public static func toolInputAvailable(
        toolCallID: String, toolName: String, input: JSON, dynamic: Bool? = nil
    ) -> Chunk {
        .toolInputAvailable(
            ToolInputAvailable(toolCallID: toolCallID, toolName: toolName, input: input, dynamic: dynamic))
    }

    public static func toolApprovalRequest(approvalID: String, toolCallID: String) -> Chunk {
        .toolApprovalRequest(ToolApprovalRequest(approvalID: approvalID, toolCallID: toolCallID))
    }

    public static func toolOutputAvailable(toolCallID: String, output: JSON, preliminary: Bool? = nil) -> Chunk {
        .toolOutputAvailable(ToolOutputAvailable(toolCallID: toolCallID, output: output, preliminary: preliminary))
    }

    public static func toolOutputError(toolCallID: String, errorText: String) -> Chunk {
        .toolOutputError(ToolOutputError(toolCallID: toolCallID, errorText: errorText))
    }

    public static func toolOutputDenied(toolCallID: String) -> Chunk {
        .toolOutputDenied(ToolOutputDenied(toolCallID: toolCallID))
    }

    public static func data(name: String, id: String? = nil, data: JSON, transient: Bool? = nil) -> Chunk {
        .data(DataChunk(name: name, id: id, data: data, transient: transient))
    }

    public static func finish(finishReason: FinishReason?, messageMetadata: JSON? = nil) -> Chunk {
        .finish(MessageFinish(finishReason: finishReason, messageMetadata: messageMetadata))
    }

    public static func error(errorText: String) -> Chunk { .error(StreamError(errorText: errorText)) }
    public static func abort(reason: String?) -> Chunk { .abort(StreamAbort(reason: reason)) }
}
