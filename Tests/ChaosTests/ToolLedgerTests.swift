import Conversation
import SessionStore
import Testing

@testable import carryon_chaos

@Suite("The ledger of a chaos run: calls of tools")
struct ToolLedgerTests {
    /// A turn with one call, and what it came to.
    private static func session(_ tool: ChaosTool, ends: [RunEnd] = [], _ output: Chunk?, times: Int)
        -> FabricatedSession
    {
        var session = FabricatedSession()
        let request = session.send(.message("#script\ntool \(tool.rawValue) {\"amount\":1}", isPoison: false))
        session.begin(request, ends)
        let run = ends.count + 1
        session.write(
            .chunk(.toolInputAvailable(toolCallID: "m0-call-1", toolName: tool.rawValue, input: ["amount": 1])),
            of: request, turn: 0, run: run)
        if let output { session.write(.chunk(output), of: request, turn: 0, run: run) }
        session.end(request, outcome: .completed, run: run)
        session.evidence.executions["m0-call-1"] = times
        return session
    }

    private static func findings(_ session: FabricatedSession) -> [Finding.Kind] {
        // The history is not what this is about.
        session.findings(isStored: false).map(\.kind).filter { $0 != .lost }
    }

    private static let done = Chunk.toolOutputAvailable(
        toolCallID: "m0-call-1", output: ExpectedAnswer.output(of: "m0-call-1"))
    private static let inDoubt = Chunk.toolOutputError(
        toolCallID: "m0-call-1", errorText: "the outcome of this call is unknown: the process died")

    @Test("A call that must not be made twice is made once, if it has a result")
    func once() {
        #expect(Self.findings(Self.session(.charge, Self.done, times: 1)) == [])
        #expect(Self.findings(Self.session(.charge, Self.done, times: 0)) == [.tools])
        #expect(Self.findings(Self.session(.charge, ends: [.crashed], Self.done, times: 2)) == [.tools])
    }

    @Test("A call that may be made again is made once for each run at most")
    func again() {
        #expect(Self.findings(Self.session(.lookup, ends: [.crashed], Self.done, times: 2)) == [])
        #expect(Self.findings(Self.session(.lookup, ends: [.crashed], Self.done, times: 3)) == [.tools])
    }

    @Test("The outcome of a call may be unknown only after a death, and only if it must not be made again")
    func doubt() {
        #expect(Self.findings(Self.session(.charge, ends: [.crashed], Self.inDoubt, times: 1)) == [])
        #expect(Self.findings(Self.session(.charge, ends: [.crashed], Self.inDoubt, times: 2)) == [.tools])
        #expect(Self.findings(Self.session(.charge, Self.inDoubt, times: 1)) == [.changed])
        #expect(Self.findings(Self.session(.lookup, ends: [.crashed], Self.inDoubt, times: 1)) == [.changed])
    }

    @Test("A call that waits for an approval is not made, and one that was made without being told is found")
    func approval() {
        let asked = Chunk.toolApprovalRequest(approvalID: "a", toolCallID: "m0-call-1")
        #expect(Self.findings(Self.session(.refund, asked, times: 0)) == [])
        #expect(Self.findings(Self.session(.refund, asked, times: 1)) == [.tools])
        var secret = Self.session(.charge, Self.done, times: 1)
        secret.evidence.executions["m0-call-7"] = 2
        #expect(Self.findings(secret) == [.tools])
    }
}
