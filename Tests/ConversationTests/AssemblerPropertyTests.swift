import Conversation
import Testing

@Suite("Assembling, whatever comes")
struct AssemblerPropertyTests {
    @Test("Assembling what a message is streamed as gives the message", arguments: UInt64(0)..<60)
    func streamIdentity(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10 {
            let message = random.streamableMessage()
            var assembler = MessageAssembler()
            for chunk in message.chunks(finishReason: .length) {
                // Over the wire, as a reader gets it.
                try assembler.apply(try Chunk(parsing: chunk.serialized()))
            }
            #expect(assembler.message == message, Comment(rawValue: "seed \(seed)"))
            #expect(assembler.finishReason == .length && assembler.openParts.isEmpty)
        }
    }

    @Test("Streaming the rest to a reader that has the beginning gives the message", arguments: UInt64(0)..<40)
    func streamRest(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let message = random.streamableMessage()
        let cut = random.below(message.parts.count + 1)
        var beginning = message
        beginning.parts = Array(message.parts[..<cut])
        var assembler = MessageAssembler(continuing: beginning)
        for chunk in message.chunks(startingAt: cut) { try assembler.apply(chunk) }
        #expect(assembler.message == message, Comment(rawValue: "seed \(seed)"))
    }

    @Test("An answer cut anywhere, and continued, and cut again, can be given to a model", arguments: UInt64(0)..<60)
    func prefixes(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let chunks = random.answer()
        for cut in 0...chunks.count {
            let comment = Comment(rawValue: "seed \(seed), cut \(cut)")
            var assembler = MessageAssembler()
            for chunk in chunks[..<cut] { try assembler.apply(chunk) }
            let partial = assembler.message
            let repaired = partial.repaired()
            expectFinished(repaired, comment)
            #expect((repaired?.text ?? "") == text(of: chunks[..<cut]), comment)

            let continuation = random.answer(idPrefix: "again")
            let secondCut = random.below(continuation.count + 1)
            var next = MessageAssembler(messageID: "m", continuing: repaired)
            for chunk in continuation[..<secondCut] { try next.apply(chunk) }
            let whole = next.message.repaired()
            expectFinished(whole, comment)
            #expect((whole?.text ?? "") == text(of: chunks[..<cut]) + text(of: continuation[..<secondCut]), comment)
        }
    }

    @Test("Random chunks never trap, and an error changes nothing", arguments: UInt64(0)..<60)
    func garbage(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var assembler = MessageAssembler(continuing: random.maybe { $0.message() })
        for seq in 1...150 {
            let comment = Comment(rawValue: "seed \(seed), chunk \(seq)")
            let before = Snapshot(assembler)
            do {
                try assembler.apply(random.chunk(), seq: Int64(seq))
            } catch {
                #expect(Snapshot(assembler) == before, comment)
            }
            #expect(assembler.partSeqs.count == assembler.message.parts.count, comment)
            for open in assembler.openParts { #expect(open.index < assembler.message.parts.count, comment) }
            expectFinished(assembler.message.repaired(), comment)
        }
    }

    private struct Snapshot: Equatable {
        let message: Message
        let open: [OpenPart]
        let inputs: [OpenToolInput]
        let seqs: [[Int64]]
        let flags: [Bool]

        init(_ assembler: MessageAssembler) {
            message = assembler.message
            open = assembler.openParts
            inputs = assembler.openToolInputs
            seqs = assembler.partSeqs.map { [$0.first, $0.last] }
            flags = [assembler.isStarted, assembler.isStepOpen, assembler.isFinished, assembler.isAborted]
        }
    }

    private func text(of chunks: ArraySlice<Chunk>) -> String {
        chunks.reduce(into: "") { text, chunk in
            if case .textDelta(let delta) = chunk { text += delta.delta }
        }
    }

    private func expectFinished(_ message: Message?, _ comment: Comment) {
        for part in message?.parts ?? [] {
            switch part {
            case .text(let part): #expect(part.state != .streaming, comment)
            case .reasoning(let part): #expect(part.state != .streaming, comment)
            case .tool(let part): #expect(!part.state.isUnfinished, comment)
            default: break
            }
        }
    }
}

extension SeededRandom {
    /// An assistant's message of what the stream has words for.
    fileprivate mutating func streamableMessage() -> Message {
        let parts = (0..<below(8)).map { streamablePart(call: "c\($0)", data: "d\($0)") }
        let metadata = maybe { JSON.object($0.object()) }
        return Message(id: pick(["", "m"]), role: .assistant, metadata: metadata, parts: parts)
    }

    private mutating func streamablePart(call: String, data: String) -> Part {
        switch below(8) {
        case 0: return .text(TextPart(text(), state: .done, providerMetadata: maybe { $0.json() }))
        case 1: return .reasoning(ReasoningPart(text(), state: .done, providerMetadata: maybe { $0.json() }))
        case 2: return .file(FilePart(mediaType: "a/b", url: text(), providerMetadata: maybe { $0.json() }))
        case 3: return oneIn(2) ? .sourceURL(sourceURL()) : .sourceDocument(sourceDocument())
        case 4: return .data(DataPart(name: "plan", id: maybe { _ in data }, data: json(), unknown: unknown()))
        case 5: return .stepStart()
        default: return .tool(streamableTool(call))
        }
    }

    private mutating func streamableTool(_ id: String) -> ToolPart {
        let states = ToolState.allCases.filter { $0 != .approvalResponded }
        var tool = ToolPart(
            toolCallID: id, toolName: "t", isDynamic: oneIn(2), state: pick(states), input: maybe { $0.json() },
            providerExecuted: maybe { $0.oneIn(2) }, title: maybe { $0.text() },
            callProviderMetadata: maybe { $0.json() })
        switch tool.state {
        case .approvalRequested: tool.approval = ToolApproval(id: "a")
        case .outputAvailable:
            tool.approval = maybe { _ in ToolApproval(id: "a") }
            tool.output = maybe { $0.json() }
            tool.preliminary = maybe { $0.oneIn(2) }
            tool.resultProviderMetadata = maybe { $0.json() }
        case .outputError:
            tool.errorText = text()
            tool.resultProviderMetadata = maybe { $0.json() }
            if !tool.isDynamic, tool.input == nil { tool.rawInput = maybe { $0.json() } }
        case .outputDenied: tool.approval = ToolApproval(id: "a", approved: false)
        case .inputStreaming, .inputAvailable, .approvalResponded: break
        }
        return tool
    }

    /// A lawful answer, as a model would stream it.
    fileprivate mutating func answer(idPrefix: String = "first") -> [Chunk] {
        var chunks: [Chunk] = [.start(messageID: "m")]
        for step in 0...below(2) {
            chunks.append(.startStep())
            for part in 0..<below(4) {
                let id = "\(idPrefix)-\(step)-\(part)"
                switch below(4) {
                case 0:
                    chunks.append(.textStart(id: id))
                    for _ in 0..<below(4) { chunks.append(.textDelta(id: id, delta: text())) }
                    if oneIn(2) { chunks.append(.textEnd(id: id)) }
                case 1:
                    chunks += [.reasoningStart(id: id), .reasoningDelta(id: id, delta: text()), .reasoningEnd(id: id)]
                default: chunks += call(id)
                }
            }
            chunks.append(.finishStep())
        }
        chunks.append(.finish(finishReason: .stop))
        return chunks
    }

    private mutating func call(_ id: String) -> [Chunk] {
        let input = JSON.object(object())
        var chunks: [Chunk] = [.toolInputStart(toolCallID: id, toolName: "t", dynamic: oneIn(2))]
        for character in input.serializedString.prefix(10) {
            chunks.append(.toolInputDelta(toolCallID: id, inputTextDelta: String(character)))
        }
        chunks.append(.toolInputAvailable(toolCallID: id, toolName: "t", input: input))
        switch below(4) {
        case 0: chunks.append(.toolOutputAvailable(toolCallID: id, output: json()))
        case 1: chunks.append(.toolOutputError(toolCallID: id, errorText: text()))
        case 2: chunks.append(.toolApprovalRequest(approvalID: "a", toolCallID: id))
        default: break
        }
        return chunks
    }
}
