import Conversation
import SessionStore
import Testing

@testable import carryon_chaos

@Suite("The ledger of a chaos run")
struct LedgerTests {
    /// Everything that may happen to a session without any harm.
    private static func orderly() -> FabricatedSession {
        var session = FabricatedSession()
        session.answer("hello")
        let first = session.answer("#script\nsay one two\ntokens 3", ends: [.crashed, .handover])
        let duplicate = session.send(.duplicate(of: first.id))
        session.write(.control(.duplicate(requestID: duplicate.id)), of: duplicate)
        let garbage = session.send(.garbage)
        session.letter(garbage, cause: "undecodable")
        let stopped = session.answer("#script\ntokens 9", says: "1 2 3", outcome: .stopped, stopped: true)
        session.send(.stop(of: stopped.id))
        let poison = session.answer(
            "#script\nsay bad\ncrash SEGV", says: "bad", isPoison: true, outcome: .deadLettered,
            ends: [.crashed, .crashedInCompany, .crashed, .unknown])
        session.letter(poison, cause: "crash-loop", attempts: 3)
        session.answer("goodbye")
        return session
    }

    @Test("An orderly session has no findings")
    func clean() {
        #expect(Self.orderly().findings() == [])
    }

    @Test("A request without an outcome is lost")
    func lost() {
        var session = Self.orderly()
        session.send(.message("anybody there", isPoison: false))
        #expect(session.kinds == [.lost])
    }

    @Test("A request with two outcomes is duplicated, and so is the history that has it twice")
    func duplicated() {
        var session = Self.orderly()
        let request = session.answer("once")
        session.begin(request, [])
        session.end(request, outcome: .completed, run: 1)
        #expect(session.kinds.contains(.duplicated))

        var doubled = Self.orderly()
        var stored = doubled.stored
        stored.messages.append(contentsOf: stored.messages.suffix(2))
        doubled.evidence.stored = stored
        #expect(doubled.kinds == [.duplicated])
    }

    @Test("An outcome of a request that nobody sent is found")
    func unknownRequest() {
        var session = Self.orderly()
        var request = session.evidence.requests[0]
        session.evidence.requests.removeFirst()
        #expect(session.kinds.contains(.duplicated))
        request = session.evidence.requests[0]
        session.write(.control(.duplicate(requestID: "nobody")), of: request)
    }

    @Test("A word too few or another word is found, in the store and at the reader")
    func changed() {
        var session = Self.orderly()
        session.answer("hello again", says: "You said: hello again. This prompt holds 77 messages.")
        #expect(session.kinds == [.changed])

        var stored = Self.orderly()
        var other = stored.stored
        other.messages[1] = StoredMessage(
            id: "a0", role: "assistant", turn: 0,
            body: Message(id: "a0", role: .assistant, parts: [.text("You said: hello. This prompt")]).serialized())
        stored.evidence.stored = other
        #expect(stored.kinds == [.changed])

        var lost = Self.orderly()
        other = lost.stored
        other.messages.removeLast()
        lost.evidence.stored = other
        #expect(lost.kinds == [.lost])
        #expect(Self.orderly().findings(isStored: false).map(\.kind) == [.lost])
    }

    @Test("A stopped answer may be any beginning of the whole one, and nothing else")
    func stopped() {
        for (said, kinds) in [("1 2", []), ("", []), ("1 3", [.changed])] as [(String, [Finding.Kind])] {
            var session = FabricatedSession()
            let request = session.answer("#script\ntokens 5", says: said, outcome: .stopped, stopped: true)
            session.send(.stop(of: request.id))
            #expect(session.kinds == kinds, "\(said)")
        }
        var unasked = FabricatedSession()
        unasked.answer("#script\ntokens 5", says: "1 2", outcome: .stopped, stopped: true)
        #expect(unasked.kinds == [.changed])
    }

    @Test("An answer is left in the middle only by a recovery that says so, before a newer message")
    func interrupted() {
        func session(isTold: Bool, hasNewer: Bool) -> FabricatedSession {
            var session = FabricatedSession()
            let request = session.answer("#script\ntokens 5", says: "1 2", outcome: .stopped, ends: [.crashed])
            if isTold, let start = session.evidence.written.firstIndex(where: { $0.run == 2 }) {
                let recovered = ControlRecord.recovered(
                    cause: "crashed", previousRun: 1, policy: "settle", partial: true)
                session.evidence.written[start] = Event(
                    session: "s0", seq: session.evidence.written[start].seq, turn: 0, run: 2, requestID: request.id,
                    requestOffset: request.offset, body: .control(recovered))
            }
            if hasNewer { session.answer("never mind") }
            return session
        }
        #expect(session(isTold: true, hasNewer: true).kinds == [])
        #expect(session(isTold: false, hasNewer: true).kinds == [.changed])
        #expect(session(isTold: true, hasNewer: false).kinds == [.changed])
    }

    @Test("A gap, and a reader that has something else than the other, are found")
    func reading() {
        var gap = Self.orderly()
        gap.evidence.written.remove(at: 4)
        #expect(gap.kinds.contains(.reading))

        var behind = Self.orderly()
        behind.evidence.followed = PlainReader.kept(of: behind.evidence.written).dropLast()
        #expect(behind.kinds == [.reading])

        var position = Self.orderly()
        var stored = position.stored
        stored.nextSeq += 1
        position.evidence.stored = stored
        #expect(position.kinds == [.reading])
    }

    @Test("What a fenced run still wrote is nothing to a reader")
    func zombie() {
        var session = FabricatedSession()
        let request = session.answer("#script\ntokens 5", ends: [.unknown])
        session.write(.chunk(.textDelta(id: "t1", delta: " nonsense")), of: request, turn: 0, run: 1, seq: 4)
        #expect(session.kinds == [])
        session.write(.chunk(.textDelta(id: "t1", delta: " nonsense")), of: request, turn: 0, run: 3, seq: 9)
        #expect(session.kinds != [])
    }

    @Test("Turns in another order than their requests are found")
    func reordered() {
        var session = Self.orderly()
        session.evidence.requests.swapAt(0, 1)
        #expect(session.kinds.contains(.changed))

        var late = FabricatedSession()
        let first = late.send(.message("one", isPoison: false))
        late.answer("two")
        late.begin(first, [])
        late.end(first, outcome: .completed, run: 1)
        #expect(late.kinds.contains(.reordered))
    }

    @Test("A dead letter needs as many deaths of its own as the budget has")
    func deadLetters() {
        func session(_ ends: [RunEnd], cause: String, attempts: Int?) -> FabricatedSession {
            var session = FabricatedSession()
            let request = session.answer("hello", says: "You", outcome: .deadLettered, ends: ends)
            session.letter(request, cause: cause, attempts: attempts)
            return session
        }
        #expect(session([.crashed, .unknown, .crashed], cause: "crash-loop", attempts: 3).kinds == [])
        #expect(session([.outOfMemory, .outOfMemory], cause: "out-of-memory", attempts: 2).kinds == [])
        #expect(session([.crashed, .handover, .crashed], cause: "crash-loop", attempts: 2).kinds == [.deadLetter])
        #expect(
            session([.crashed, .crashed, .crashedInCompany], cause: "crash-loop", attempts: 2).kinds == [.deadLetter])
        #expect(session([.crashed, .handover, .crashed, .crashed], cause: "crash-loop", attempts: 4).kinds == [.runs])
        #expect(session([.outOfMemory, .crashed], cause: "out-of-memory", attempts: 2).kinds == [.deadLetter])

        var answered = Self.orderly()
        answered.letter(answered.evidence.requests[0], cause: "crash-loop", attempts: 3)
        #expect(answered.kinds == [.deadLetter])
        var silent = Self.orderly()
        silent.evidence.letters = []
        #expect(silent.kinds == [.lost, .lost])
        var harmless = FabricatedSession()
        harmless.answer("#script\nsay bad\ncrash SEGV", isPoison: true)
        #expect(harmless.kinds == [.deadLetter])
    }

    @Test("A run that nothing accounts for is found")
    func runs() {
        var open = Self.orderly()
        open.evidence.runs[0].status = .running
        #expect(open.kinds == [.runs])
        var missing = Self.orderly()
        missing.evidence.runs.removeFirst()
        #expect(missing.kinds == [.runs])
        var gap = Self.orderly()
        gap.evidence.runs.remove(at: 2)
        #expect(gap.kinds == [.runs])
    }

    @Test("Where nobody was killed, nothing but a request's own crash is charged")
    func charges() {
        var ledger = FabricatedSession.budgets
        ledger.hasDeaths = false
        for (text, end, kinds) in [
            ("hello", .unknown, [.runs]), ("hello", .handover, []), ("#script\nsay a\ncrash SEGV upto 1", .crashed, []),
        ] as [(String, RunEnd, [Finding.Kind])] {
            var session = FabricatedSession()
            session.answer(text, ends: [end])
            #expect(session.findings(by: ledger).map(\.kind) == kinds)
            #expect(session.kinds == [])
        }
    }
}
