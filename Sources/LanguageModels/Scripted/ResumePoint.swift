import Conversation

/// Where in a plan an answer goes on, judged by the parts it has so far.
struct ResumePoint: Sendable, Hashable {
    /// A part that was left open and gets nothing more than its end.
    struct Closing: Sendable, Hashable {
        var kind: SpeechKind
        var id: String
    }

    /// The step to go on with; the number of steps if there is none.
    private(set) var step = 0
    /// How many bytes of that step's text are said already.
    private(set) var offset = 0
    private(set) var closing: Closing?
    /// Whether the answer's last call waits for an approval, so that nothing can be said yet.
    private(set) var isWaiting = false

    /// Walks the plan beside the parts of an answer. Parts that the plan would not have written are passed over.
    init(in plan: ScriptPlan, after parts: [Part]) {
        for part in parts {
            switch part {
            case .text(let part): walk(plan, past: part.text, .text, isOpen: part.state == .streaming)
            case .reasoning(let part): walk(plan, past: part.text, .reasoning, isOpen: part.state == .streaming)
            case .tool(let part): walk(plan, past: part)
            default: continue
            }
        }
    }

    private mutating func walk(_ plan: ScriptPlan, past text: String, _ kind: SpeechKind, isOpen: Bool) {
        isWaiting = false
        guard let (index, speech) = plan.nextSpeech(from: step), speech.kind == kind,
            let end = speech.text.utf8Offset(behind: text, from: index == step ? offset : 0)
        else {
            // Not the plan's words, or not any longer: the step that was at its turn is said as a whole.
            offset = 0
            closing = isOpen ? Closing(kind: kind, id: kind == .text ? "t0" : "r0") : nil
            return
        }
        let isComplete = end == speech.text.utf8.count
        step = isComplete ? index + 1 : index
        offset = isComplete ? 0 : end
        closing = isComplete && isOpen ? Closing(kind: kind, id: speech.id) : nil
    }

    private mutating func walk(_ plan: ScriptPlan, past part: ToolPart) {
        closing = nil
        isWaiting = false
        // A call is known by its id alone, so that it is found behind a text that someone has edited.
        guard let index = plan.index(ofCall: part.toolCallID, from: step) else { return }
        offset = 0
        let isDenied = part.approval?.approved == false
        switch part.state {
        case .approvalRequested, .approvalResponded: isWaiting = !isDenied
        default: break
        }
        step = part.isSettled || isDenied ? index + 1 : index
    }
}

extension ScriptPlan {
    /// The next step that leaves a part in the answer, if its part consists of words.
    fileprivate func nextSpeech(from start: Int) -> (Int, Speech)? {
        for index in start..<steps.count {
            switch steps[index] {
            case .speech(let speech): return (index, speech)
            case .call: return nil
            case .sleep, .fail, .crash, .allocate: continue
            }
        }
        return nil
    }

    fileprivate func index(ofCall id: String, from start: Int) -> Int? {
        steps[start...].firstIndex { if case .call(let call) = $0 { call.id == id } else { false } }
    }
}

extension String {
    /// The offset at which `part` ends, if it stands at `offset`. In bytes: characters that only look the same are
    /// another text.
    fileprivate func utf8Offset(behind part: String, from offset: Int) -> Int? {
        utf8.dropFirst(offset).starts(with: part.utf8) ? offset + part.utf8.count : nil
    }
}
