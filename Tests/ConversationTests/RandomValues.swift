import Conversation

extension SeededRandom {
    mutating func text() -> String {
        let alphabet: [Character] = [
            "a", "Z", " ", "\"", "\\", "/", "\n", "\t", "\u{0}", "\u{1F}", "\u{7F}", "é", "e\u{301}", "漢", "😀",
            "\u{2028}", "{", "]", ",", "0",
        ]
        return String((0..<below(9)).map { _ in pick(alphabet) })
    }

    mutating func number() -> JSON {
        let literals = ["0", "-0", "1.0", "12345678901234567890", "-7", "1e5", "2.5E-3", "0.1", "9007199254740993"]
        return (try? JSON(parsing: pick(literals))) ?? .null
    }

    mutating func json(depth: Int = 3) -> JSON {
        switch below(depth > 0 ? 7 : 5) {
        case 0: return .null
        case 1: return .bool(oneIn(2))
        case 2: return number()
        case 3, 4: return .string(text())
        case 5: return .array((0..<below(4)).map { _ in json(depth: depth - 1) })
        default: return .object(object(depth: depth - 1))
        }
    }

    mutating func object(depth: Int = 2) -> JSONObject {
        var object = JSONObject()
        // Now and then enough members for the index.
        for _ in 0..<(oneIn(8) ? 30 : below(4)) { object["x" + text()] = json(depth: depth) }
        return object
    }

    /// Members that no type knows.
    mutating func unknown() -> JSONObject { oneIn(4) ? ["xNew": json(), "xOther": .null] : [:] }

    /// Any message, of any role, with whatever a stored message may hold.
    mutating func message() -> Message {
        Message(
            id: pick(["", "m1", "m2"]), role: pick(Role.allCases), metadata: maybe { $0.json() },
            parts: (0..<below(6)).map { _ in part() }, unknown: unknown())
    }

    mutating func part() -> Part {
        switch below(10) {
        case 0:
            let state = maybe { $0.pick(StreamingState.allCases) }
            return .text(TextPart(text(), state: state, providerMetadata: maybe { $0.json() }, unknown: unknown()))
        case 1:
            let state = maybe { $0.pick(StreamingState.allCases) }
            return .reasoning(
                ReasoningPart(text(), state: state, providerMetadata: maybe { $0.json() }, unknown: unknown()))
        case 2, 3, 4: return .tool(toolPart())
        case 5:
            return .file(
                FilePart(
                    mediaType: "image/png", url: text(), filename: maybe { $0.text() },
                    providerMetadata: maybe { $0.json() }, unknown: unknown()))
        case 6: return oneIn(2) ? .sourceURL(sourceURL()) : .sourceDocument(sourceDocument())
        case 7: return .data(DataPart(name: text(), id: maybe { $0.text() }, data: json(), unknown: unknown()))
        case 8: return .stepStart(StepStartPart(unknown: unknown()))
        default:
            let legacy: JSONObject = [
                "type": "tool-invocation",
                "toolInvocation": ["state": .string(pick(["partial-call", "call", "result"]))],
            ]
            return .unknown(oneIn(2) ? legacy : ["type": "hologram", "beam": json()])
        }
    }

    mutating func toolPart() -> ToolPart {
        ToolPart(
            toolCallID: pick(["", "c1", "c2", "c3"]), toolName: pick(["search", "invocation", ""]),
            isDynamic: oneIn(2), state: pick(ToolState.allCases), input: maybe { $0.json() },
            rawInput: maybe { $0.json() }, output: maybe { $0.json() }, errorText: maybe { $0.text() },
            approval: maybe { ToolApproval(id: $0.text(), approved: $0.maybe { $0.oneIn(2) }, unknown: $0.unknown()) },
            preliminary: maybe { $0.oneIn(2) }, providerExecuted: maybe { $0.oneIn(2) }, title: maybe { $0.text() },
            callProviderMetadata: maybe { $0.json() }, resultProviderMetadata: maybe { $0.json() },
            unknown: unknown())
    }

    mutating func sourceURL() -> SourceURLPart {
        SourceURLPart(
            sourceID: text(), url: text(), title: maybe { $0.text() }, providerMetadata: maybe { $0.json() },
            unknown: unknown())
    }

    mutating func sourceDocument() -> SourceDocumentPart {
        SourceDocumentPart(
            sourceID: text(), mediaType: "text/plain", title: text(), filename: maybe { $0.text() },
            providerMetadata: maybe { $0.json() }, unknown: unknown())
    }

    /// A chunk of any type; ids come from a small pool, so that many of them meet.
    mutating func chunk() -> Chunk {
        let boundary = TextBoundary(
            id: pick(["a", "b"]), providerMetadata: oneIn(4) ? json() : nil, unknown: unknown())
        let delta = TextDelta(
            id: pick(["a", "b"]), delta: text(), providerMetadata: oneIn(8) ? json() : nil, unknown: unknown())
        switch below(16) {
        case 0: return .start(MessageStart(messageID: maybe { $0.pick(["m1", "m2"]) }, messageMetadata: json()))
        case 1: return oneIn(2) ? .startStep(StepBoundary(unknown: unknown())) : .finishStep()
        case 2: return oneIn(2) ? .textStart(boundary) : .reasoningStart(boundary)
        case 3, 4: return oneIn(2) ? .textDelta(delta) : .reasoningDelta(delta)
        case 5: return oneIn(2) ? .textEnd(boundary) : .reasoningEnd(boundary)
        case 6, 7, 8, 9: return toolChunk()
        case 10: return oneIn(2) ? .sourceURL(sourceURL()) : .sourceDocument(sourceDocument())
        case 11: return .file(FilePart(mediaType: "a/b", url: text(), unknown: unknown()))
        case 12:
            return .data(
                DataChunk(
                    name: pick(["p", "q"]), id: maybe { $0.pick(["1", "2"]) }, data: json(),
                    transient: maybe { $0.oneIn(2) }, unknown: unknown()))
        case 13:
            return oneIn(2)
                ? .messageMetadata(MessageMetadata(messageMetadata: maybe { $0.json() }))
                : .finish(finishReason: maybe { $0.pick(FinishReason.allCases) }, messageMetadata: maybe { $0.json() })
        case 14: return oneIn(2) ? .error(errorText: text()) : .abort(reason: maybe { $0.text() })
        default: return .unknown(["type": "hologram", "beam": json()])
        }
    }

    mutating func toolChunk() -> Chunk {
        let id = pick(["c1", "c2", ""])
        let dynamic = maybe { $0.oneIn(2) }
        let metadata = maybe { $0.json() }
        switch below(8) {
        case 0:
            return .toolInputStart(
                ToolInputStart(
                    toolCallID: id, toolName: "search", providerExecuted: maybe { $0.oneIn(2) }, dynamic: dynamic,
                    title: maybe { $0.text() }, providerMetadata: metadata, unknown: unknown()))
        case 1: return .toolInputDelta(toolCallID: id, inputTextDelta: pick(["{\"q\":", "\"no", "de\"}", "]", "1"]))
        case 2:
            return .toolInputAvailable(
                ToolInputAvailable(
                    toolCallID: id, toolName: "search", input: maybe { $0.json() }, dynamic: dynamic,
                    providerMetadata: metadata, unknown: unknown()))
        case 3:
            return .toolInputError(
                ToolInputError(
                    toolCallID: id, toolName: "search", input: maybe { $0.json() }, errorText: text(),
                    dynamic: dynamic, providerMetadata: metadata, unknown: unknown()))
        case 4: return .toolApprovalRequest(approvalID: text(), toolCallID: id)
        case 5:
            return .toolOutputAvailable(
                ToolOutputAvailable(
                    toolCallID: id, output: maybe { $0.json() }, preliminary: maybe { $0.oneIn(2) },
                    providerMetadata: metadata, unknown: unknown()))
        case 6: return .toolOutputError(toolCallID: id, errorText: text())
        default: return .toolOutputDenied(toolCallID: id)
        }
    }
}
