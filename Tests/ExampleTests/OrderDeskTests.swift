import CarryonTesting
import Conversation
import LanguageModels
import Testing

@testable import carryon_example

@Suite("The order desk")
struct OrderDeskTests {
    private let chat: MockChatAgent

    init() throws {
        chat = MockChatAgent(try OrderDesk(model: ScriptedModel(), carrier: "http://127.0.0.1:9/price"))
    }

    @Test("A small refund is paid at once")
    func smallRefund() async throws {
        let turn = try await chat.send("#script\ntool refund {\"order\":\"1001\",\"amount\":12}\nsay It is paid.")
        #expect(turn.text == "It is paid.")
        #expect(turn.finishReason == .stop)
    }

    @Test("A large refund waits for somebody's yes")
    func largeRefund() async throws {
        let asked = try await chat.send("#script\ntool refund {\"order\":\"1002\",\"amount\":180}\nsay It is paid.")
        #expect(asked.finishReason == .toolCalls)
        let call = try #require(chat.waitingCalls.first)
        let answered = try await chat.approve(callID: call.toolCallID)
        #expect(answered.text == "It is paid.")
    }

    @Test("A worker that dies after it has paid does not pay again")
    func diesAfterPaying() async throws {
        try await chat.send("#script\ntool refund {\"order\":\"1002\",\"amount\":180}\nsay I have looked at it.")
        let call = try #require(chat.waitingCalls.first)
        chat.kill(at: .afterTool, cause: .crashed("SIGSEGV"))
        try await chat.approve(callID: call.toolCallID)
        let turns = try await chat.boot()
        // Nobody knows whether the first worker had paid, and the tool can't say: so the model is told just that.
        #expect(turns.last?.storedMessage?.parts.contains { $0.toolError?.contains("unknown") == true } == true)
    }
}

extension Part {
    fileprivate var toolError: String? {
        if case .tool(let call) = self { call.errorText } else { nil }
    }
}
