import ChatAgent
import Conversation

/// From where a dead run's answer can be gone on with.
struct ResumePoint: Sendable {
    /// The reason given for the end of an answer that waits for the next message to decide.
    static let interruption = "interrupted"

    /// The answer as its readers have it, without what can't be kept.
    var assembler: MessageAssembler
    /// The answer as the dead run left it.
    var raw: Message
    /// The cleaned answer, if anything of it is left.
    var partial: Message?
    /// Whether there is anything to go on with: a cleaned answer, or calls of tools that are still to be made.
    var hasPartial: Bool
    /// Readers have to forget the turn's chunks from here on, if from anywhere.
    var supersededFrom: Int64?
    /// What they have to be told again after that.
    var retold: [Chunk]
    /// How the dead run's answer had ended, if it had.
    var ending: RecoveryEvidence.Ending?
    /// The first seq of the turn's chunks, if there are any.
    var firstChunk: Int64?

    /// Works out where `answer` can be gone on with.
    ///
    /// Calls that the model had not finished can't be kept, nor complete ones of tools that are not there. If nothing
    /// else came after the first of them, readers forget from there; what did come after and is kept is told again.
    ///
    /// - Parameters:
    ///   - base: the message that the turn goes on with, as the turns before it settled it.
    ///   - keeps: whether a complete call without a result is still to be made.
    init(
        _ chunks: [(seq: Int64, chunk: Chunk)], lastPolicy: String?, messageID: String, base: Message? = nil,
        keeps: (ToolPart) -> Bool = { _ in false }
    ) {
        var whole = MessageAssembler(messageID: messageID, continuing: base)
        let baseCount = base?.parts.count ?? 0
        var applied: [(seq: Int64, chunk: Chunk)] = []
        for (seq, chunk) in chunks {
            switch chunk {
            case .finish: ending = .finished
            case .abort(let abort):
                ending = lastPolicy == "settle" && abort.reason == Self.interruption ? .interrupted : .aborted
            case .error: ending = lastPolicy == "dead-letter" ? .deadLettered : .failed
            default: break
            }
            // A chunk that does not fit is left out by every reader alike.
            if (try? whole.apply(chunk, seq: seq)) != nil { applied.append((seq, chunk)) }
        }
        raw = whole.message
        firstChunk = chunks.first?.seq
        let isTouched =
            ResponseStream.hasOwnContent(raw, baseCount: baseCount)
            || whole.partSeqs.prefix(baseCount).contains { $0.first > 0 }
        partial = isTouched ? ResponseStream.cleaned(raw, baseCount: baseCount) : nil
        if let base, let kept = partial, kept == base { partial = nil }
        hasPartial = partial != nil || raw.parts.dropFirst(baseCount).contains { Self.isCall($0, keeps) }
        retold = []
        assembler = whole
        guard ending == nil, let cut = Self.cut(raw, whole.partSeqs, baseCount, keeps) else { return }
        supersededFrom = cut.seq
        assembler = MessageAssembler(messageID: messageID, continuing: base)
        for (seq, chunk) in applied where seq < cut.seq { try? assembler.apply(chunk, seq: seq) }
        retold = cut.kept
    }

    /// Where what can't be kept begins, and which parts after that are kept.
    private static func cut(
        _ message: Message, _ allSeqs: [(first: Int64, last: Int64)], _ baseCount: Int, _ keeps: (ToolPart) -> Bool
    ) -> (seq: Int64, kept: [Chunk])? {
        let own = message.parts.dropFirst(baseCount)
        let seqs = allSeqs.dropFirst(baseCount)
        func repaired(_ part: Part) -> Part? {
            if isCall(part, keeps) { return part }
            return Message(id: message.id, role: .assistant, parts: [part]).repaired()?.parts.first
        }
        let kept = own.map { repaired($0) != nil }
        let dropped = zip(kept, seqs).filter { !$0.0 }.map(\.1.first)
        guard var cut = dropped.min() else { return nil }
        // A kept part that spans the cut is told again as a whole, which may move the cut.
        while let spanning = seqs.filter({ $0.first < cut && $0.last >= cut }).map(\.first).min() {
            cut = spanning
        }
        let parts = zip(own, zip(kept, seqs)).filter { $0.1.0 && $0.1.1.first >= cut }.map(\.0)
        let again = Message(id: message.id, role: .assistant, parts: parts.compactMap(repaired))
        return (cut, again.parts.isEmpty ? [] : Array(again.chunks().dropFirst().dropLast()))
    }

    private static func isCall(_ part: Part, _ keeps: (ToolPart) -> Bool) -> Bool {
        guard case .tool(let call) = part, call.state == .inputAvailable else { return false }
        return keeps(call)
    }
}
