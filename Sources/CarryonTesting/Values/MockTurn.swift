public import Conversation
public import LanguageModels

/// What a request caused, as far as it has come.
///
/// Everything that is here of the events is as a reader has it who follows the reader's rule: the last words of a worker
/// that was taken over from are not among them.
public struct MockTurn: Sendable {
    /// Where a request stands.
    public enum State: Sendable, Hashable {
        /// Its effect is durable, its closing event is published, and the agent's `onTurnComplete` has returned.
        case settled
        /// Its worker waits at a step, until ``MockChatAgent/proceed()``.
        case paused(at: KillPoint)
        /// Its worker died; at a step, or at no particular one. The next worker gets it again.
        case interrupted(WorkerDeath, at: KillPoint?)
        /// It is in nobody's hands, or in those of a worker that still has to do something about it.
        case waiting
    }

    /// Where the request stands.
    public let state: State
    /// The request.
    public let request: Request
    /// The request's offset in the requests topic.
    public let offset: Int64
    /// The request's events, in the order of their `seq`.
    public let events: [Event]
    /// Every prompt that a model was given for the turn, in all of its runs. Only models that note it are seen:
    /// ``StubModel``, and what is wrapped in a ``RecordingModel``.
    public let prompts: [ModelRequest]
    /// The answer as it is stored: cleaned if the turn was stopped or failed. `nil` if nothing of it was kept, or it is
    /// not settled.
    public let storedMessage: Message?

    /// Whether everything that the request causes has happened.
    public var isSettled: Bool { state == .settled }

    /// The turn's number; `nil` for a request that caused none, and before its first event.
    public var turn: Int? { events.last { $0.turn != nil }?.turn }

    /// The run that wrote last, from 1.
    public var run: Int? { events.last { $0.run != nil }?.run }

    /// The chunks of the answer, without those that were superseded.
    public var chunks: [Chunk] {
        var chunks: [(seq: Int64, chunk: Chunk)] = []
        for event in events {
            switch event.body {
            case .chunk(let chunk): chunks.append((event.seq, chunk))
            case .control(.superseded(let from)): chunks.removeAll { $0.seq >= from }
            case .control: continue
            }
        }
        return chunks.map(\.chunk)
    }

    /// The control records that tell readers something, in order: all but `checkpoint`.
    public var controls: [ControlRecord] {
        events.compactMap { event in
            switch event.body {
            case .chunk, .control(.checkpoint): nil
            case .control(let control): control
            }
        }
    }

    /// The answer as a reader has put it together from ``chunks``; `nil` if there is none.
    public var message: Message? {
        var assembler = MessageAssembler()
        // A chunk that does not fit is left out by every reader alike.
        for chunk in chunks { try? assembler.apply(chunk) }
        return assembler.isStarted ? assembler.message : nil
    }

    /// The text of ``message``; empty if there is none.
    public var text: String { message?.text ?? "" }

    /// The control record that says that the turn is settled.
    public var completion: TurnComplete? {
        controls.lazy.compactMap { if case .turnComplete(let complete) = $0 { complete } else { nil } }.last
    }

    /// How the turn ended; `nil` if it has not, or if there was none.
    public var outcome: TurnOutcome? { completion?.outcome }

    /// Why the answer ended; `nil` as ``outcome``.
    public var finishReason: FinishReason? { completion?.finishReason }

    /// Whether the user stopped the turn.
    public var isStopped: Bool { completion?.stopped ?? false }

    /// What is said to have gone wrong, if something did.
    public var errorText: String? { completion?.error?["message"]?.stringValue }
}
