/// Builds a message out of the chunks that it was streamed as.
///
/// A chunk that does not fit throws and changes nothing; no chunk can do more harm than that. Applying a delta costs as
/// much as the delta is long.
public struct MessageAssembler: Sendable {
    /// The message, but for the input of calls that are still being written: see ``message``.
    var assembled: Message
    var openTexts: [String: Int] = [:]
    var openReasonings: [String: Int] = [:]
    /// What was written so far of each call's input that is not complete, by call id.
    var rawInputs: [String: String] = [:]
    /// The latest part of each call.
    var toolPositions: [String: Int] = [:]
    private var dataPositions: [DataKey: Int] = [:]
    /// Where the parts of the current step begin.
    public internal(set) var stepPosition = 0

    /// For each part the first and the last `seq` that it was made of; 0 where none was given.
    public private(set) var partSeqs: [(first: Int64, last: Int64)] = []
    /// Whether `start` was applied.
    public private(set) var isStarted = false
    /// Whether a step was begun and not finished.
    public private(set) var isStepOpen = false
    /// Whether `finish` was applied, and no `start` after it.
    public private(set) var isFinished = false
    /// Whether `abort` was applied.
    public private(set) var isAborted = false
    /// The reason that `finish` gave.
    public private(set) var finishReason: FinishReason?
    /// The text of the last `error`.
    public private(set) var errorText: String?

    private struct DataKey: Sendable, Hashable {
        let name: String
        let id: String
    }

    /// An assembler with nothing applied yet.
    ///
    /// - Parameters:
    ///   - messageID: The id of the message, unless `start` names one. Not used with `continuing`.
    ///   - continuing: A message that the chunks add to, such as an answer that waited for a tool, or one that was cut
    ///     off.
    public init(messageID: String? = nil, continuing: Message? = nil) {
        assembled = continuing ?? Message(id: messageID ?? "", role: .assistant)
        partSeqs = Array(repeating: (0, 0), count: assembled.parts.count)
        for (index, part) in assembled.parts.enumerated() {
            switch part {
            case .tool(let tool): toolPositions[tool.toolCallID] = index
            case .data(let data): if let id = data.id { dataPositions[DataKey(name: data.name, id: id)] = index }
            case .stepStart: stepPosition = index + 1
            default: break
            }
        }
    }

    /// The message so far, parts that are still streaming included.
    ///
    /// The input of a call that is being written is what can be read of it so far; reading it takes time in proportion
    /// to its length, everything else costs nothing.
    public var message: Message {
        guard !rawInputs.isEmpty else { return assembled }
        var message = assembled
        for (id, text) in rawInputs {
            guard let index = toolPositions[id], case .tool(var tool) = message.parts[index] else { continue }
            tool.input = PartialJSON.value(of: text)
            message.parts[index] = .tool(tool)
        }
        return message
    }

    /// The text and reasoning parts that have begun and not ended, in order of the message.
    public var openParts: [OpenPart] {
        let texts = openTexts.map { OpenPart(kind: .text, id: $0.key, index: $0.value) }
        let reasonings = openReasonings.map { OpenPart(kind: .reasoning, id: $0.key, index: $0.value) }
        return (texts + reasonings).sorted { $0.index < $1.index }
    }

    /// The calls whose input has begun and is not complete, in order of the message.
    public var openToolInputs: [OpenToolInput] {
        rawInputs.compactMap { id, text in
            guard let index = toolPositions[id], case .tool(let tool) = assembled.parts[index] else { return nil }
            return OpenToolInput(toolCallID: id, toolName: tool.toolName, index: index, text: text)
        }
        .sorted { $0.index < $1.index }
    }

    /// Applies a chunk. Chunks of unknown types are ignored.
    ///
    /// - Parameters:
    ///   - chunk: The next chunk.
    ///   - seq: The chunk's `seq`, if ``partSeqs`` is to be kept.
    /// - Throws: If the chunk does not fit what came before; nothing has changed then.
    public mutating func apply(_ chunk: Chunk, seq: Int64? = nil) throws(AssemblyError) {
        switch chunk {
        case .start(let start): try apply(start)
        case .startStep:
            append(.stepStart(), seq)
            stepPosition = assembled.parts.count
            isStepOpen = true
        case .finishStep:
            closeOpenParts()
            isStepOpen = false
        case .textStart(let start): beginText(start, seq)
        case .textDelta(let delta): try appendText(delta, chunk, seq)
        case .textEnd(let end): try endText(end, chunk, seq)
        case .reasoningStart(let start): beginReasoning(start, seq)
        case .reasoningDelta(let delta): try appendReasoning(delta, chunk, seq)
        case .reasoningEnd(let end): try endReasoning(end, chunk, seq)
        case .toolInputStart(let start): begin(start, seq)
        case .toolInputDelta(let delta): try append(delta, seq)
        case .toolInputAvailable(let call): complete(call, seq)
        case .toolInputError(let failure): fail(failure, seq)
        case .toolApprovalRequest(let request): try apply(request, seq)
        case .toolOutputAvailable(let result): try apply(result, seq)
        case .toolOutputError(let failure): try apply(failure, seq)
        case .toolOutputDenied(let denial): try apply(denial, seq)
        case .sourceURL(let part): append(.sourceURL(part), seq)
        case .sourceDocument(let part): append(.sourceDocument(part), seq)
        case .file(let part): append(.file(part), seq)
        case .data(let data): apply(data, seq)
        case .messageMetadata(let metadata): merge(metadata.messageMetadata)
        case .finish(let finish): apply(finish)
        case .error(let error): errorText = error.errorText
        case .abort: isAborted = true
        case .unknown: break
        }
    }

    private mutating func apply(_ start: MessageStart) throws(AssemblyError) {
        if let id = start.messageID, id != assembled.id {
            let isOther = !assembled.id.isEmpty && (isStarted || !assembled.parts.isEmpty)
            guard !isOther else { throw AssemblyError(reason: .otherMessage, chunkType: "start", id: id) }
            assembled.id = id
        }
        merge(start.messageMetadata)
        isStarted = true
        isFinished = false
        finishReason = nil
    }

    private mutating func apply(_ finish: MessageFinish) {
        closeOpenParts()
        merge(finish.messageMetadata)
        finishReason = finish.finishReason
        isStepOpen = false
        isFinished = true
    }

    private mutating func merge(_ metadata: JSON?) {
        assembled.metadata = JSON.mergingMetadata(assembled.metadata, with: metadata)
    }

    private mutating func apply(_ chunk: DataChunk, _ seq: Int64?) {
        guard chunk.transient != true else { return }
        let part = Part.data(DataPart(name: chunk.name, id: chunk.id, data: chunk.data, unknown: chunk.unknown))
        guard let id = chunk.id else {
            append(part, seq)
            return
        }
        let key = DataKey(name: chunk.name, id: id)
        if let index = dataPositions[key] {
            assembled.parts[index] = part
            touch(index, seq)
        } else {
            dataPositions[key] = append(part, seq)
        }
    }

    /// Takes the first `count` parts from `message` instead, except for those that a chunk with a `seq` has changed since.
    ///
    /// For an assembler that continues a message which has another wording now: the parts must be the same ones.
    public mutating func rebase(on message: Message, count: Int) {
        for index in 0..<min(count, message.parts.count, assembled.parts.count) where partSeqs[index].last == 0 {
            assembled.parts[index] = message.parts[index]
        }
    }

    @discardableResult
    mutating func append(_ part: Part, _ seq: Int64?) -> Int {
        assembled.parts.append(part)
        partSeqs.append((seq ?? 0, seq ?? 0))
        return assembled.parts.count - 1
    }

    mutating func touch(_ index: Int, _ seq: Int64?) {
        guard let seq else { return }
        if partSeqs[index].first == 0 { partSeqs[index].first = seq }
        partSeqs[index].last = seq
    }
}
