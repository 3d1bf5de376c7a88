import CarryonTesting
import ChatAgent
import Conversation
import Foundation
import LanguageModels
import Testing

@Suite("Many turns", .timeLimit(.minutes(1)))
struct SpeedTests {
    @Test("A thousand turns go through the kit, each with all its effects")
    func thousandTurns() async throws {
        let start = clock()
        for _ in 0..<10 {
            let chat = MockChatAgent(Assistant(model: StubModel { .text("to \($0.messages.last?.text ?? "")") }))
            for number in 0..<100 {
                let turn = try await chat.send("\(number)")
                #expect(turn.isSettled && turn.turn == number && turn.text == "to \(number)")
                #expect(turn.prompts.count == 1 && turn.prompts.first?.messages.count == 2 * number + 1)
            }
            #expect(chat.checkpoint?.messages.count == 200 && chat.committedOffset == 100)
            #expect(chat.hooks.count { $0 == .onTurnComplete } == 100)
            #expect(chat.events.map(\.seq) == Array(1...Int64(chat.events.count)))
        }
        // Of the whole process, so that other tests that run meanwhile count too.
        print("1000 turns took \(Double(clock() - start) / Double(CLOCKS_PER_SEC)) s of CPU time")
    }
}
