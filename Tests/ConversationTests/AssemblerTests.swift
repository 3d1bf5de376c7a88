import Conversation
import Testing

@Suite("Assembling")
struct AssemblerTests {
    private func assembled(_ chunks: [Chunk], continuing: Message? = nil) throws -> Message {
        var assembler = MessageAssembler(continuing: continuing)
        for chunk in chunks { try assembler.apply(chunk) }
        return assembler.message
    }

    @Test("A whole answer is assembled chunk by chunk")
    func answer() throws {
        var assembler = MessageAssembler()
        #expect(!assembler.isStarted)
        try assembler.apply(.start(messageID: "m", messageMetadata: ["a": 1]), seq: 1)
        try assembler.apply(.startStep(), seq: 2)
        #expect(assembler.isStarted && assembler.isStepOpen)
        try assembler.apply(.reasoningStart(id: "x"), seq: 3)
        try assembler.apply(.textStart(id: "x"), seq: 4)
        try assembler.apply(.reasoningDelta(id: "x", delta: "hm"), seq: 5)
        try assembler.apply(.textDelta(id: "x", delta: "he"), seq: 6)
        #expect(
            assembler.openParts == [
                OpenPart(kind: .reasoning, id: "x", index: 1), OpenPart(kind: .text, id: "x", index: 2),
            ])
        #expect(assembler.message.parts.last == .text(TextPart("he", state: .streaming)))
        try assembler.apply(.textDelta(id: "x", delta: "llo"), seq: 7)
        try assembler.apply(
            .reasoningEnd(TextBoundary(id: "x", providerMetadata: ["signature": "s"])), seq: 8)
        try assembler.apply(.textEnd(id: "x"), seq: 9)
        try assembler.apply(.messageMetadata(MessageMetadata(messageMetadata: ["b": ["c": 2]])), seq: 10)
        try assembler.apply(.finishStep(), seq: 11)
        try assembler.apply(.finish(finishReason: .stop, messageMetadata: ["b": ["d": 3]]), seq: 12)
        #expect(assembler.isFinished && !assembler.isStepOpen && assembler.finishReason == .stop)
        #expect(
            assembler.message
                == Message(
                    id: "m", role: .assistant, metadata: ["a": 1, "b": ["c": 2, "d": 3]],
                    parts: [
                        .stepStart(),
                        .reasoning(ReasoningPart("hm", state: .done, providerMetadata: ["signature": "s"])),
                        .text(TextPart("hello", state: .done)),
                    ]))
        #expect(assembler.partSeqs.map { [$0.first, $0.last] } == [[2, 2], [3, 8], [4, 9]])
    }

    @Test("A call's input can be read while it is written")
    func streamingInput() throws {
        var assembler = MessageAssembler(messageID: "m")
        try assembler.apply(.toolInputStart(toolCallID: "c", toolName: "search"))
        try assembler.apply(.toolInputDelta(toolCallID: "c", inputTextDelta: #"{"query":"ca"#))
        #expect(assembler.openToolInputs.map(\.text) == [#"{"query":"ca"#])
        let streaming = ToolPart(toolCallID: "c", toolName: "search", state: .inputStreaming, input: ["query": "ca"])
        #expect(assembler.message.parts == [.tool(streaming)])
        try assembler.apply(.toolInputAvailable(toolCallID: "c", toolName: "search", input: ["query": "cats"]))
        #expect(assembler.openToolInputs.isEmpty)
        #expect(assembler.message.pendingToolCalls.map(\.input) == [["query": "cats"]])
    }

    @Test("A call goes through approval to its result, a preliminary one first")
    func approvedCall() throws {
        var assembler = MessageAssembler(messageID: "m")
        func tool() -> ToolPart? {
            if case .tool(let tool) = assembler.message.parts.last { tool } else { nil }
        }
        try assembler.apply(.toolInputAvailable(toolCallID: "c", toolName: "rm", input: [1]))
        try assembler.apply(.toolApprovalRequest(approvalID: "a", toolCallID: "c"))
        #expect(tool()?.state == .approvalRequested && tool()?.approval?.id == "a" && tool()?.input == [1])
        try assembler.apply(.toolOutputAvailable(toolCallID: "c", output: 1, preliminary: true))
        #expect(tool()?.output == 1 && tool()?.isSettled == false)
        try assembler.apply(.toolOutputAvailable(toolCallID: "c", output: 2))
        #expect(tool()?.output == 2 && tool()?.isSettled == true && tool()?.preliminary == nil)
        #expect(assembler.message.parts.count == 1)
    }

    @Test("A denied call stays denied")
    func denied() throws {
        var assembler = MessageAssembler(messageID: "m")
        try assembler.apply(.toolInputAvailable(toolCallID: "c", toolName: "rm", input: [1]))
        try assembler.apply(.toolApprovalRequest(approvalID: "a", toolCallID: "c"))
        try assembler.apply(.toolOutputDenied(toolCallID: "c"))
        try assembler.apply(.toolOutputDenied(toolCallID: "c"))
        let before = assembler.message
        let late: [Chunk] = [
            .toolOutputAvailable(toolCallID: "c", output: 1), .toolOutputError(toolCallID: "c", errorText: "e"),
            .toolApprovalRequest(approvalID: "b", toolCallID: "c"),
        ]
        for chunk in late {
            #expect(#expect(throws: AssemblyError.self) { try assembler.apply(chunk) }?.reason == .toolCallSettled)
        }
        #expect(assembler.message == before)
        guard case .tool(let tool) = before.parts.first else { return #expect(Bool(false), "no tool part") }
        #expect(tool.state == .outputDenied && tool.approval == ToolApproval(id: "a", approved: false))
    }

    @Test("A malformed call becomes an error that keeps what the model wrote")
    func malformedCall() throws {
        func failed(dynamic: Bool?) throws -> Part? {
            try assembled([
                .toolInputStart(toolCallID: "c", toolName: "t", dynamic: dynamic),
                .toolInputError(
                    ToolInputError(toolCallID: "c", toolName: "t", input: "{", errorText: "bad", dynamic: dynamic)),
            ]).parts.first
        }
        #expect(
            try failed(dynamic: nil)
                == .tool(
                    ToolPart(
                        toolCallID: "c", toolName: "t", state: .outputError, rawInput: "{", errorText: "bad")))
        #expect(
            try failed(dynamic: true)
                == .tool(
                    ToolPart(
                        toolCallID: "c", toolName: "t", isDynamic: true, state: .outputError, input: "{",
                        errorText: "bad")))
    }

    @Test("A provider that uses a call id again in a later step makes a second call")
    func reusedCallID() throws {
        let message = try assembled([
            .startStep(), .toolInputAvailable(toolCallID: "c", toolName: "t", input: 1),
            .toolOutputAvailable(toolCallID: "c", output: "one"), .finishStep(), .startStep(),
            .toolInputAvailable(toolCallID: "c", toolName: "t", input: 2),
            .toolOutputAvailable(toolCallID: "c", output: "two"), .finishStep(),
        ])
        let outputs = message.parts.compactMap { part -> JSON? in
            if case .tool(let tool) = part { tool.output } else { nil }
        }
        #expect(outputs == ["one", "two"])
    }

    @Test("A call that has its result is not undone by the same call id in the same step")
    func reusedCallIDInStep() throws {
        let message = try assembled([
            .toolInputAvailable(toolCallID: "c", toolName: "t", input: 1),
            .toolOutputAvailable(toolCallID: "c", output: "one"),
            .toolInputStart(toolCallID: "c", toolName: "t"),
        ])
        let one = ToolPart(toolCallID: "c", toolName: "t", state: .outputAvailable, input: 1, output: "one")
        #expect(message.parts == [.tool(one), .tool(ToolPart(toolCallID: "c", toolName: "t", state: .inputStreaming))])
    }

    @Test("Data with an id replaces, data without one is appended, transient data leaves no part")
    func data() throws {
        let message = try assembled([
            .data(name: "p", id: "1", data: 1), .data(name: "p", data: 2), .data(name: "q", id: "1", data: 3),
            .data(name: "p", id: "1", data: 4, transient: true), .data(name: "p", id: "1", data: 5),
        ])
        #expect(
            message.parts == [
                .data(DataPart(name: "p", id: "1", data: 5)), .data(DataPart(name: "p", data: 2)),
                .data(DataPart(name: "q", id: "1", data: 3)),
            ])
    }

    @Test(
        "A chunk that does not fit is an error",
        arguments: [
            (.textDelta(id: "t", delta: "x"), .partNotOpen), (.textEnd(id: "t"), .partNotOpen),
            (.reasoningDelta(id: "t", delta: "x"), .partNotOpen), (.reasoningEnd(id: "t"), .partNotOpen),
            (.toolInputDelta(toolCallID: "c", inputTextDelta: "x"), .inputNotOpen),
            (.toolApprovalRequest(approvalID: "a", toolCallID: "c"), .unknownToolCall),
            (.toolOutputAvailable(toolCallID: "c", output: 1), .unknownToolCall),
            (.toolOutputError(toolCallID: "c", errorText: "e"), .unknownToolCall),
            (.toolOutputDenied(toolCallID: "c"), .unknownToolCall), (.start(messageID: "n"), .otherMessage),
        ] as [(Chunk, AssemblyError.Reason)])
    func misfits(chunk: Chunk, reason: AssemblyError.Reason) throws {
        var assembler = MessageAssembler()
        try assembler.apply(.start(messageID: "m"))
        #expect(#expect(throws: AssemblyError.self) { try assembler.apply(chunk) }?.reason == reason)
    }

    @Test("The end of a step ends the parts that are open")
    func finishStep() throws {
        var assembler = MessageAssembler()
        try assembler.apply(.textStart(id: "t"))
        try assembler.apply(.reasoningStart(id: "r"))
        try assembler.apply(.finishStep())
        let ended: [Part] = [.text(TextPart("", state: .done)), .reasoning(ReasoningPart("", state: .done))]
        #expect(assembler.message.parts == ended)
        #expect(assembler.openParts.isEmpty)
        #expect(throws: AssemblyError.self) { try assembler.apply(.textDelta(id: "t", delta: "x")) }
        #expect(throws: AssemblyError.self) { try assembler.apply(.reasoningDelta(id: "r", delta: "x")) }
    }

    @Test("An id that is used again while it is open ends the part that had it")
    func reusedTextID() throws {
        let message = try assembled([
            .textStart(id: "t"), .textDelta(id: "t", delta: "one"), .textStart(id: "t"),
            .textDelta(id: "t", delta: "two"), .textEnd(id: "t"),
        ])
        #expect(message.parts == [.text(TextPart("one", state: .done)), .text(TextPart("two", state: .done))])
    }

    @Test("Another message may not begin in one that was begun, and the same one may go on")
    func startAgain() throws {
        var assembler = MessageAssembler(messageID: "given")
        try assembler.apply(.start(messageID: "m"))
        try assembler.apply(.finish(finishReason: .stop))
        try assembler.apply(.start(messageID: "m"))
        #expect(!assembler.isFinished && assembler.finishReason == nil)
        #expect(#expect(throws: AssemblyError.self) { try assembler.apply(.start(messageID: "n")) }?.id == "n")
        #expect(assembler.message.id == "m")
    }

    @Test("An error and an abort add no part")
    func errorAndAbort() throws {
        var assembler = MessageAssembler()
        try assembler.apply(.error(errorText: "boom"))
        try assembler.apply(.abort(reason: "stopped"))
        #expect(assembler.errorText == "boom" && assembler.isAborted && assembler.message.parts.isEmpty)
    }

    @Test("The answer to a tool call continues the same message")
    func continuing() throws {
        let waiting = Message(
            id: "m", role: .assistant,
            parts: [.stepStart(), .tool(ToolPart(toolCallID: "c", toolName: "t", state: .inputAvailable, input: 1))])
        let message = try assembled(
            [
                .start(messageID: "m"), .toolOutputAvailable(toolCallID: "c", output: 2), .startStep(),
                .textStart(id: "t"), .textDelta(id: "t", delta: "two"), .textEnd(id: "t"), .finishStep(), .finish(),
            ], continuing: waiting)
        #expect(message.id == "m" && message.text == "two" && message.parts.count == 4)
        #expect(
            message.parts[1]
                == .tool(
                    ToolPart(toolCallID: "c", toolName: "t", state: .outputAvailable, input: 1, output: 2)))
    }

    @Test("A malformed message before a good one leaves the good one whole")
    func malformedBeforeGood() throws {
        var assembler = MessageAssembler()
        #expect(throws: AssemblyError.self) { try assembler.apply(.textEnd(id: "t")) }
        for chunk in Message(id: "m", role: .assistant, parts: [.text("good")]).chunks() { try assembler.apply(chunk) }
        #expect(assembler.message.id == "m" && assembler.message.text == "good")
    }

    @Test("A hundred thousand deltas cost no more than they are long")
    func linear() throws {
        var assembler = MessageAssembler()
        let clock = ContinuousClock()
        let elapsed = try clock.measure {
            try assembler.apply(.textStart(id: "t"))
            for _ in 0..<100_000 { try assembler.apply(.textDelta(id: "t", delta: "twenty bytes of text")) }
        }
        #expect(assembler.message.text.utf8.count == 2_000_000)
        // Copying the text for every delta would move 100 GB.
        #expect(elapsed < .seconds(10))
    }
}
