import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("A host killed at every step of a turn with tools")
struct ToolKillMatrixTests {
    /// What is being done when the host dies.
    enum Kind: String, CaseIterable, Sendable {
        /// A turn of two steps, the first with two calls side by side.
        case tools
        /// The turn that carries out a call that was granted.
        case approval
        /// The turn that goes on after an answer from outside.
        case answer

        var question: String {
            switch self {
            case .tools: "echo:a echo:b; echo:c"
            case .approval: "leave:a"
            case .answer: "ask:a; echo:b"
            }
        }

        var turn: Int { self == .tools ? 0 : 1 }

        /// The client's word, between the turns.
        var wire: Message? {
            switch self {
            case .tools: nil
            case .approval: Message(id: "s-answer-0", role: .assistant, parts: [.tool(.approval("a", true))])
            case .answer: Message(id: "s-answer-0", role: .assistant, parts: [.tool(.output("a", "yes"))])
            }
        }

        /// How often an undisturbed turn reaches the step.
        func occurrences(of step: TurnStep) -> ClosedRange<Int> {
            switch (step, self) {
            case (.beforeTool, .tools), (.afterTool, .tools): 1...3
            case (.stepBoundary, .tools): 1...2
            case (.midStream, .tools): 1...10
            case (.midStream, .approval): 1...2
            case (.midStream, .answer): 1...6
            default: 1...1
            }
        }

        func reaches(_ step: TurnStep) -> Bool { !(self == .approval && step == .stepBoundary) }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var kind: Kind
        var kill: RunningHost.Kill
        var isIdempotent: Bool
        var isSeen: Bool

        var testDescription: String {
            "\(kind) killed at \(kill), \(isIdempotent ? "idempotent" : "once only"), \(isSeen ? "seen" : "not seen")"
        }
    }

    static let cases: [Case] = Kind.allCases.flatMap { kind in
        TurnStep.allCases.filter(kind.reaches).flatMap { step in
            kind.occurrences(of: step).flatMap { occurrence in
                [true, false].map { isIdempotent in
                    Case(
                        kind: kind, kill: .init(step: step, occurrence: occurrence), isIdempotent: isIdempotent,
                        isSeen: occurrence % 2 == 0)
                }
            }
        }
    }

    /// An agent of the host that is started as number `index`.
    static func agent(
        _ conductor: Conductor, _ index: Int, _ executions: Executions, isIdempotent: Bool
    ) throws -> ToolAgent {
        func tool(_ name: String, _ approval: Tool.Approval = .never) throws -> Tool {
            Tool(
                name, description: name, input: try .id, approval: approval,
                doubt: isIdempotent ? .runAgain : .reportUnknown
            ) { [weak conductor] call in
                // What a dead process would do does not happen.
                guard conductor?.isAlive(index) == true else { throw CancellationError() }
                executions.begin(call.id)
                defer { executions.end() }
                return ["done": .string(call.id)]
            }
        }
        return ToolAgent(tools: [try tool("echo"), try tool("leave", .always), try .ask()])
    }

    static func prepare(_ conductor: Conductor, _ test: Case, _ executions: Executions) async throws -> Int {
        guard test.kind.wire != nil else { return 0 }
        try await conductor.start(agent(conductor, 0, executions, isIdempotent: test.isIdempotent))
        conductor.say(test.kind.question, id: "u1")
        try await conductor.finish()
        try await conductor.revoke()
        return 1
    }

    static func send(_ conductor: Conductor, _ kind: Kind) {
        if let wire = kind.wire { conductor.send(.message(wire)) } else { conductor.say(kind.question, id: "u1") }
    }

    private static func uninterrupted(_ test: Case) async throws -> [Message] {
        let conductor = try Conductor()
        let executions = Executions()
        let index = try await prepare(conductor, test, executions)
        try await conductor.start(agent(conductor, index, executions, isIdempotent: test.isIdempotent))
        send(conductor, test.kind)
        try await conductor.finish()
        return try await conductor.history()
    }

    @Test(
        "Invariants 1, 2, 5 and 7: Whatever step kills a host, the next one brings a turn with tools to its end",
        arguments: cases)
    func killAndGoOn(_ test: Case) async throws {
        let expected = try await Self.uninterrupted(test)
        let conductor = try Conductor()
        let executions = Executions()
        let index = try await Self.prepare(conductor, test, executions)
        let before = conductor.settledOffsets
        let first = try Self.agent(conductor, index, executions, isIdempotent: test.isIdempotent)
        try await conductor.start(first, killAt: test.kill)
        Self.send(conductor, test.kind)
        let death = try await conductor.waitForDeath()
        let turn = test.kind.turn
        if test.kill.step == .inSettle {
            try await waitFor { try await conductor.store.loadSession("s").map { $0.turns > turn } ?? false }
        }
        let settled = try await conductor.store.loadSession("s").map { $0.turns > turn } ?? false
        if !settled {
            #expect(conductor.settledOffsets == before, "invariant 1: nothing is settled ahead of its checkpoint")
        }
        let second = try Self.agent(conductor, index + 1, executions, isIdempotent: test.isIdempotent)
        try await conductor.start(second, death: test.isSeen ? death : nil)
        try await conductor.finish()
        try await waitFor { settled || second.journal.completes.count == 1 }

        let history = try await conductor.history()
        let view = conductor.view()
        check(test, history, expected, executions)
        #expect(view.isGapless)
        #expect(try view.message(turns: Array(0...turn), answers: [test.kind.wire]) == history.last)
        #expect(view.completes.map(\.turn) == Array(0...turn))
        #expect(view.completes.allSatisfy { $0.outcome == .completed })
        #expect(second.journal.calls(of: "s", turn: turn) == 0 || !settled, "asked again for a settled turn")
        #expect(first.journal.completes.count + second.journal.completes.count <= 1)
        #expect(conductor.log.deadLetters.isEmpty)
        for prompt in second.journal.prompts {
            let ids = (prompt.messages + [prompt.continuation].compactMap(\.self)).map(\.id)
            #expect(Set(ids).count == ids.count, "invariant 3: no prompt has a message twice")
        }
    }

    private func check(_ test: Case, _ history: [Message], _ expected: [Message], _ executions: Executions) {
        guard !test.isIdempotent else {
            #expect(history == expected)
            return
        }
        #expect(history.map(\.id) == expected.map(\.id))
        let calls = history.last?.calls ?? []
        let wanted = expected.last?.calls ?? []
        #expect(calls.map(\.toolCallID) == wanted.map(\.toolCallID))
        for (call, wanted) in zip(calls, wanted) {
            #expect(executions.count(call.toolCallID) <= 1, "\(call.toolCallID) was carried out more than once")
            guard call.state != .outputError else {
                #expect(call.errorText?.contains("unknown") == true)
                #expect(test.kill.step == .beforeTool || test.kill.step == .afterTool)
                continue
            }
            #expect(call == wanted)
            if call.toolName != "ask" { #expect(executions.count(call.toolCallID) == 1) }
        }
        if test.kill.step != .beforeTool, test.kill.step != .afterTool { #expect(history == expected) }
    }

    @Test(
        "A host killed again and again carries out each call once, and comes to the end", arguments: TurnStep.allCases)
    func killedRepeatedly(step: TurnStep) async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.crashAttempts = 100
        }
        let executions = Executions()
        conductor.say(Kind.tools.question, id: "u1")
        var death: HostDeath?
        for index in 0..<40 {
            let agent = try Self.agent(conductor, index, executions, isIdempotent: false)
            // Steps that every run reaches would be reached first thing in each.
            let isFixed = ![.midStream, .afterTool, .stepBoundary].contains(step)
            let host = try await conductor.start(
                agent, killAt: isFixed && index > 2 ? nil : .init(step: step), death: death)
            try await waitFor { host.lifeline.isCut || conductor.settledOffsets == [0] }
            if conductor.settledOffsets == [0] { break }
            death = conductor.kill()
        }
        try await conductor.finish()
        #expect(conductor.view().isGapless)
        #expect(Set(executions.calls).count == executions.calls.count)
        let history = try await conductor.history()
        #expect(history.count == 2)
        #expect(history.last?.calls.map(\.toolCallID) == ["a", "b", "c"])
        #expect(history.last?.calls.allSatisfy(\.isSettled) == true)
        #expect(try conductor.view().answer(turn: 0) == history.last)
    }
}
