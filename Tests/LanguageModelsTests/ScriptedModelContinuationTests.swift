import Conversation
import LanguageModels
import TestSupport
import Testing

@Suite("Scripted model: going on with an unfinished answer")
struct ScriptedModelContinuationTests {
    private let model = ScriptedModel(clock: InstantClock())

    private static let program = """
        #script
        say The quick  brown föx 👩‍👩‍👧 jumps
        reason why e\u{301} so
        sleep 1s
        tokens 12 1ms
        tool lookup {"a": [1, 2]}
        prompt
        say same same same
        say same same same
        """

    @Test(
        "Cut anywhere, at any character of any part, the whole answer is the uninterrupted one",
        arguments: [false, true])
    func everyCut(isRepaired: Bool) async throws {
        let question = Message.user(id: "q", text: Self.program)
        let whole = try await model.answer(to: [question])
        #expect(whole.violations.isEmpty)
        var reached = Answer()
        while true {
            let isFresh = reached.message.parts.isEmpty
            let call = try await model.call(
                ModelRequest(messages: [question], continuation: isFresh ? nil : reached.message))
            for (cut, part) in cuts(of: call.chunks) {
                var answer = reached
                answer.beginCall()
                call.chunks[..<cut].forEach { answer.apply($0) }
                if let part { answer.apply(part) }
                try await expectContinuation(of: answer, isRepaired: isRepaired, question, whole)
            }
            reached.beginCall()
            call.chunks.forEach { reached.apply($0) }
            reached.settleCalls()
            if call.response.finishReason != .toolCalls { break }
        }
        #expect(reached.message == whole.message)
    }

    /// Every number of chunks, each alone and together with every beginning of the next one's delta.
    private func cuts(of chunks: [Chunk]) -> [(count: Int, Chunk?)] {
        (0...chunks.count).flatMap { count -> [(Int, Chunk?)] in
            guard count < chunks.count, let (delta, make) = delta(of: chunks[count]) else { return [(count, nil)] }
            let scalars = delta.unicodeScalars
            return [(count, nil)]
                + scalars.indices.dropFirst().map { (count, make(String(String.UnicodeScalarView(scalars[..<$0])))) }
        }
    }

    private func delta(of chunk: Chunk) -> (String, (String) -> Chunk)? {
        switch chunk {
        case .textDelta(let delta): (delta.delta, { .textDelta(id: delta.id, delta: $0) })
        case .reasoningDelta(let delta): (delta.delta, { .reasoningDelta(id: delta.id, delta: $0) })
        default: nil
        }
    }

    private func expectContinuation(
        of cut: Answer, isRepaired: Bool, _ question: Message, _ whole: Answer
    ) async throws {
        var answer = cut
        if isRepaired { answer.repair() }
        let before = Comment(rawValue: "after \(answer.message.parts)")
        try await finish(&answer, question)
        #expect(answer.violations.isEmpty, before)
        if isRepaired {
            // A part that was closed before its end is gone on with in a new one.
            #expect(joined(answer) == joined(whole), before)
        } else {
            #expect(answer.message == whole.message, before)
        }
    }

    private func finish(_ answer: inout Answer, _ question: Message) async throws {
        while true {
            let call = try await model.call(ModelRequest(messages: [question], continuation: answer.message))
            answer.beginCall()
            call.chunks.forEach { answer.apply($0) }
            answer.settleCalls()
            if call.response.finishReason != .toolCalls { return }
        }
    }

    /// What an answer says, regardless of how it is divided into parts of one kind.
    private func joined(_ answer: Answer) -> [String] {
        var kinds: [String] = []
        var texts: [String] = []
        for part in answer.message.parts {
            let (kind, text): (String, String) =
                switch part {
                case .text(let part): ("text", part.text)
                case .reasoning(let part): ("reasoning", part.text)
                case .tool(let part): ("tool \(part.toolCallID)", part.input?.serializedString ?? "")
                default: ("other", "")
                }
            if kinds.last == kind {
                texts[texts.count - 1] += text
            } else {
                kinds.append(kind)
                texts.append(text)
            }
        }
        return zip(kinds, texts).map { "\($0): \($1)" }
    }

    @Test(
        "Interrupted again and again, a random program's answer is the uninterrupted one",
        arguments: 0..<60 as Range<UInt64>)
    func manyCuts(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let question = Message.user(id: "q\(seed)", text: Self.randomProgram(using: &generator))
        let whole = try await model.answer(to: [question])
        let comment = Comment(rawValue: "seed \(seed): \(question.text)")
        #expect(whole.violations.isEmpty, comment)
        var answer = Answer()
        for _ in 0..<40 {
            let continuation = answer.message.parts.isEmpty ? nil : answer.message
            let call = try await model.call(ModelRequest(messages: [question], continuation: continuation))
            answer.beginCall()
            let cuts = cuts(of: call.chunks)
            // Most interruptions come early, so that one answer sees many of them.
            let chosen = cuts[
                Int.random(in: 0..<cuts.count, using: &generator) / Int.random(in: 1...4, using: &generator)]
            call.chunks[..<chosen.count].forEach { answer.apply($0) }
            if let part = chosen.1 { answer.apply(part) }
            if Bool.random(using: &generator) { answer.settleCalls() }
            if Int.random(in: 0..<4, using: &generator) == 0 { answer.repair() }
        }
        try await finish(&answer, question)
        #expect(answer.violations.isEmpty, comment)
        #expect(joined(answer) == joined(whole), comment)
    }

    private static func randomProgram(using generator: inout SeededGenerator) -> String {
        let words = ["a", "bb", "a a", "ccc  d", "é", "e\u{301}", "👍🏽", "日本 語", "x\u{A0}y", "\"q\"", "1 2"]
        var lines = ["#script"]
        for _ in 0..<Int.random(in: 0...7, using: &generator) {
            let count = Int.random(in: 1...4, using: &generator)
            let text = (0..<count).compactMap { _ in words.randomElement(using: &generator) }.joined(separator: " ")
            let steps = ["say \(text)", "reason \(text)", "tokens \(count)", "tool t \(count)", "sleep 1ms", "prompt"]
            lines.append(steps.randomElement(using: &generator) ?? "prompt")
        }
        return lines.joined(separator: "\n")
    }

    @Test("A plain answer goes on within a word, and the prompt's size does not change")
    func plainAnswer() async throws {
        let begun = Message(id: "a", role: .assistant, parts: [.text(TextPart("You said: Hel", state: .streaming))])
        let call = try await model.call("Hello you", continuation: begun)
        let words = ["lo", " you.", " This", " prompt", " holds", " 1", " message."]
        #expect(
            call.chunks == [.textStart(id: "t1")] + words.map { .textDelta(id: "t1", delta: $0) } + [.textEnd(id: "t1")]
        )
    }

    @Test("A part that is fully said but open gets its end")
    func onlyTheEnd() async throws {
        let begun = Message(id: "a", role: .assistant, parts: [.text(TextPart("one two", state: .streaming))])
        let call = try await model.call("#script\nsay one two", continuation: begun)
        #expect(call.chunks == [.textStart(id: "t1"), .textEnd(id: "t1")])
    }

    @Test("A whole answer is followed by nothing")
    func nothingLeft() async throws {
        let whole = Message(id: "a", role: .assistant, parts: [.stepStart(), .text("one two")])
        let call = try await model.call("#script\nsay one two\nsleep 0", continuation: whole)
        #expect(call.chunks.isEmpty)
        #expect(call.response.finishReason == .stop)
    }

    @Test("A sleep in front of the cut is past once something behind it was said, and otherwise runs again")
    func sleeps() async throws {
        let program = "#script\nsay a\nsleep 1s\nsay b"
        let cases: [([Part], Duration)] = [
            ([.text("a")], .seconds(1)), ([.text("a"), .text(TextPart("", state: .streaming))], .zero),
            ([.text("a"), .text("b")], .zero),
        ]
        for (parts, expected) in cases {
            let clock = InstantClock()
            let begun = Message(id: "a", role: .assistant, parts: parts)
            _ = try await ScriptedModel(clock: clock).call(program, continuation: begun)
            #expect(clock.now.offset == expected)
        }
    }

    @Test("An edited part is closed, and the plan goes on in a new one behind the last part that matches")
    func editedAnswer() async throws {
        let program = "#script\nsay one\nsay two three\ntool t 1\nsay four"
        let edited = Message(
            id: "a", role: .assistant, parts: [.text("one"), .text(TextPart("two threw", state: .streaming))])
        let call = try await model.call(program, continuation: edited)
        #expect(
            call.chunks == [
                .textStart(id: "t0"), .textEnd(id: "t0"), .textStart(id: "t2"), .textDelta(id: "t2", delta: "two"),
                .textDelta(id: "t2", delta: " three"), .textEnd(id: "t2"),
                .toolInputStart(toolCallID: "q-call-3", toolName: "t"),
                .toolInputAvailable(toolCallID: "q-call-3", toolName: "t", input: 1),
            ])
        var answer = Answer(edited)
        call.chunks.forEach { answer.apply($0) }
        #expect(answer.violations.isEmpty)

        // A call that was made is not made again, whatever became of the text in front of it.
        let called = ToolPart(toolCallID: "q-call-3", toolName: "t", state: .outputAvailable)
        let afterwards = Message(id: "a", role: .assistant, parts: [.text("rewritten"), .tool(called)])
        let rest = try await model.call(program, continuation: afterwards)
        #expect(rest.chunks == [.textStart(id: "t4"), .textDelta(id: "t4", delta: "four"), .textEnd(id: "t4")])
    }

    @Test("No continuation, however strange, is a trap", arguments: 0..<200 as Range<UInt64>)
    func strangeContinuations(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let program = Self.randomProgram(using: &generator)
        let texts = ["", "a", "a a", "1 2", "1 2 3 4 5 6 7", "e", "\u{301}", "user: "]
        let parts = (0..<Int.random(in: 0...6, using: &generator)).map { index -> Part in
            let text = texts.randomElement(using: &generator) ?? ""
            let state = [StreamingState.streaming, .done, nil].randomElement(using: &generator) ?? nil
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: return .text(TextPart(text, state: state))
            case 1: return .reasoning(ReasoningPart(text, state: state))
            case 2:
                let toolState = ToolState.allCases.randomElement(using: &generator) ?? .inputAvailable
                return .tool(ToolPart(toolCallID: "q-call-\(index)", toolName: "t", state: toolState))
            default: return .stepStart()
            }
        }
        let continuation = Message(id: "a", role: .assistant, parts: parts)
        let call = try await model.call(program, continuation: continuation)
        #expect([.stop, .toolCalls].contains(call.response.finishReason), "seed \(seed)")
    }
}
