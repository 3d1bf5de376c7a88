import ChatAgent
import Conversation
import TestSupport
import Testing

@testable import TurnHost

@Suite("A rebuild's sessions at hand")
struct SessionShelfTests {
    private static let maximumBytes = 100_000

    private func memory(revision: Int64, messages: Int, bytes: Int) -> SessionMemory {
        var memory = SessionMemory(assignment: 0)
        memory.revision = revision
        memory.nextSeq = 10 * revision
        memory.chain = Chain(stored: (0..<messages).map { .user(id: "u\($0)", text: "hello") })
        memory.bytes = bytes
        return memory
    }

    @Test("What is at hand is what was put in last, never above the bound; what is gone leaves its next seq")
    func anything() {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        let comment = Comment("CARRYON_TEST_SEED=\(seed)")
        var shelf = SessionShelf(maximumBytes: Self.maximumBytes)
        var latest: [String: Int64] = [:]
        var out: Set<String> = []
        var (found, gone) = (0, 0)
        for round in 1...5_000 {
            let session = "s\(Int.random(in: 0..<40, using: &random))"
            if let memory = shelf.take(session) {
                #expect(memory.revision == latest[session] && !out.contains(session), comment)
                found += 1
            } else if latest[session] != nil, !out.contains(session) {
                gone += 1
            }
            out.insert(session)
            #expect(shelf.nextSeq(of: session) == latest[session].map { 10 * $0 }, comment)
            guard Int.random(in: 0..<4, using: &random) > 0 else { continue }
            let memory = memory(
                revision: Int64(round), messages: .random(in: 0..<10, using: &random),
                bytes: .random(in: 0..<20_000, using: &random))
            shelf.keep(memory, session)
            latest[session] = memory.revision
            out.remove(session)
            #expect(shelf.bytes <= Self.maximumBytes, comment)
        }
        #expect(found > 0 && gone > 0, "\(found) found, \(gone) gone, \(comment)")
        for session in latest.keys { _ = shelf.take(session) }
        #expect(shelf.count == 0 && shelf.bytes == 0, comment)
    }

    @Test("A session that is put in once more is there once, as it was put in last")
    func again() {
        var shelf = SessionShelf(maximumBytes: Self.maximumBytes)
        for revision in 1...3 { shelf.keep(memory(revision: Int64(revision), messages: 1, bytes: 100), "s") }
        #expect(shelf.count == 1)
        #expect(shelf.take("s")?.revision == 3)
        #expect(shelf.count == 0 && shelf.bytes == 0)
    }

    @Test("As long as there is room, nothing goes")
    func room() {
        var shelf = SessionShelf(maximumBytes: Self.maximumBytes)
        for number in 0..<20 { shelf.keep(memory(revision: 1, messages: 0, bytes: 0), "s\(number)") }
        #expect(shelf.count == 20)
    }

    @Test("A session that is larger than the bound does not stay, and neither does anything for its sake")
    func tooLarge() {
        var shelf = SessionShelf(maximumBytes: Self.maximumBytes)
        shelf.keep(memory(revision: 1, messages: 0, bytes: 2 * Self.maximumBytes), "large")
        #expect(shelf.take("large") == nil)
        #expect(shelf.nextSeq(of: "large") == 10)
        #expect(shelf.bytes == 0)
    }
}
