extension Chunk {
    init(_ members: inout MemberReader) throws(ConversationError) {
        let type = try members.string("type")
        if let known = try Self.known(type, &members) {
            self = known
        } else if type.hasPrefix("data-") {
            self = .data(try DataChunk(&members, name: String(type.dropFirst(5))))
        } else {
            var whole: JSONObject = ["type": .string(type)]
            whole.members(members.remaining)
            self = .unknown(whole)
        }
    }

    private static func known(_ type: String, _ members: inout MemberReader) throws(ConversationError) -> Chunk? {
        switch type {
        case "start": .start(try MessageStart(&members))
        case "start-step": .startStep(try StepBoundary(&members))
        case "text-start": .textStart(try TextBoundary(&members))
        case "text-delta": .textDelta(try TextDelta(&members))
        case "text-end": .textEnd(try TextBoundary(&members))
        case "reasoning-start": .reasoningStart(try TextBoundary(&members))
        case "reasoning-delta": .reasoningDelta(try TextDelta(&members))
        case "reasoning-end": .reasoningEnd(try TextBoundary(&members))
        case "tool-input-start": .toolInputStart(try ToolInputStart(&members))
        case "tool-input-delta": .toolInputDelta(try ToolInputDelta(&members))
        case "tool-input-available": .toolInputAvailable(try ToolInputAvailable(&members))
        case "tool-input-error": .toolInputError(try ToolInputError(&members))
        case "tool-approval-request": .toolApprovalRequest(try ToolApprovalRequest(&members))
        case "tool-output-available": .toolOutputAvailable(try ToolOutputAvailable(&members))
        case "tool-output-error": .toolOutputError(try ToolOutputError(&members))
        case "tool-output-denied": .toolOutputDenied(try ToolOutputDenied(&members))
        case "source-url": .sourceURL(try SourceURLPart(&members))
        case "source-document": .sourceDocument(try SourceDocumentPart(&members))
        case "file": .file(try FilePart(&members))
        case "message-metadata": .messageMetadata(try MessageMetadata(&members))
        case "finish-step": .finishStep(try StepBoundary(&members))
        case "finish": .finish(try MessageFinish(&members))
        case "error": .error(try StreamError(&members))
        case "abort": .abort(try StreamAbort(&members))
        default: nil
        }
    }

    /// The value of the chunk's member `type`.
    public var type: String {
        switch self {
        case .sourceURL: "source-url"
        case .sourceDocument: "source-document"
        case .file: "file"
        case .data(let chunk): "data-" + chunk.name
        case .unknown(let members): members["type"]?.stringValue ?? ""
        default: plainType.description
        }
    }

    /// The type of the chunks whose structure does not write it itself.
    private var plainType: StaticString {
        switch self {
        case .start: "start"
        case .startStep: "start-step"
        case .textStart: "text-start"
        case .textDelta: "text-delta"
        case .textEnd: "text-end"
        case .reasoningStart: "reasoning-start"
        case .reasoningDelta: "reasoning-delta"
        case .reasoningEnd: "reasoning-end"
        case .toolInputStart: "tool-input-start"
        case .toolInputDelta: "tool-input-delta"
        case .toolInputAvailable: "tool-input-available"
        case .toolInputError: "tool-input-error"
        case .toolApprovalRequest: "tool-approval-request"
        case .toolOutputAvailable: "tool-output-available"
        case .toolOutputError: "tool-output-error"
        case .toolOutputDenied: "tool-output-denied"
        case .messageMetadata: "message-metadata"
        case .finishStep: "finish-step"
        case .finish: "finish"
        case .error: "error"
        case .abort: "abort"
        case .sourceURL, .sourceDocument, .file, .data, .unknown: ""
        }
    }
}

extension Chunk: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        switch self {
        case .sourceURL(let part): return part.encodeMembers(into: &sink)
        case .sourceDocument(let part): return part.encodeMembers(into: &sink)
        case .file(let part): return part.encodeMembers(into: &sink)
        case .data(let chunk): return chunk.encodeMembers(into: &sink)
        case .unknown(let members): return sink.members(members)
        default: break
        }
        sink.member("type", literal: plainType)
        switch self {
        case .start(let chunk): chunk.encodeMembers(into: &sink)
        case .textStart(let chunk), .textEnd(let chunk), .reasoningStart(let chunk), .reasoningEnd(let chunk):
            chunk.encodeMembers(into: &sink)
        case .textDelta(let chunk), .reasoningDelta(let chunk): chunk.encodeMembers(into: &sink)
        case .toolInputStart(let chunk): chunk.encodeMembers(into: &sink)
        case .toolInputDelta(let chunk): chunk.encodeMembers(into: &sink)
        case .toolInputAvailable(let chunk): chunk.encodeMembers(into: &sink)
        case .toolInputError(let chunk): chunk.encodeMembers(into: &sink)
        case .toolApprovalRequest(let chunk): chunk.encodeMembers(into: &sink)
        case .toolOutputAvailable(let chunk): chunk.encodeMembers(into: &sink)
        case .toolOutputError(let chunk): chunk.encodeMembers(into: &sink)
        case .toolOutputDenied(let chunk): chunk.encodeMembers(into: &sink)
        case .messageMetadata(let chunk): chunk.encodeMembers(into: &sink)
        case .startStep(let chunk), .finishStep(let chunk): chunk.encodeMembers(into: &sink)
        case .finish(let chunk): chunk.encodeMembers(into: &sink)
        case .error(let chunk): chunk.encodeMembers(into: &sink)
        case .abort(let chunk): chunk.encodeMembers(into: &sink)
        case .sourceURL, .sourceDocument, .file, .data, .unknown: break
        }
    }
}
