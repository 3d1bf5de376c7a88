import Conversation

/// A script with everything worked out that the answer will hold: its parts, their ids and their whole texts.
struct ScriptPlan: Sendable {
    enum Step: Sendable {
        case speech(Speech)
        case call(Call)
        case sleep(Duration)
        case fail(ModelError.Code)
        case crash(signal: Int32, Script.Runs)
        case allocate(byteCount: Int, Script.Runs)
    }

    /// A part that consists of words.
    struct Speech: Sendable {
        var kind: SpeechKind
        var id: String
        /// Never empty.
        var text: String
        /// The pause between words.
        var interval: Duration?
    }

    /// A call of a tool.
    struct Call: Sendable {
        var id: String
        var name: String
        var input: JSON
    }

    let steps: [Step]

    init(_ script: Script, prompt: ArraySlice<Message>, messageID: String, interval: Duration?) {
        steps = script.steps.enumerated().map { index, step in
            let number = index + 1
            switch step {
            case .say(let text):
                return .speech(Speech(kind: .text, id: "t\(number)", text: text, interval: interval))
            case .tokens(let count, let every):
                let text = (1...count).lazy.map { String($0) }.joined(separator: " ")
                return .speech(Speech(kind: .text, id: "t\(number)", text: text, interval: every))
            case .prompt:
                return .speech(
                    Speech(kind: .text, id: "t\(number)", text: Self.lines(of: prompt), interval: interval))
            case .reason(let text):
                return .speech(Speech(kind: .reasoning, id: "r\(number)", text: text, interval: interval))
            case .tool(let name, let input):
                return .call(Call(id: "\(messageID)-call-\(number)", name: name, input: input))
            case .sleep(let duration): return .sleep(duration)
            case .fail(let code): return .fail(code)
            case .crash(let signal, let runs): return .crash(signal: signal, runs)
            case .allocate(let byteCount, let runs): return .allocate(byteCount: byteCount, runs)
            }
        }
    }

    /// One line per message: line ends within a message become spaces.
    private static func lines(of prompt: ArraySlice<Message>) -> String {
        prompt
            .map { "\($0.role.rawValue): " + String($0.text.map { $0.isNewline ? " " : $0 }) }
            .joined(separator: "\n")
    }
}

/// The two kinds of parts that consist of words.
enum SpeechKind: Sendable, Hashable {
    case text, reasoning

    func start(id: String) -> Chunk { self == .text ? .textStart(id: id) : .reasoningStart(id: id) }

    func delta(id: String, _ delta: String) -> Chunk {
        self == .text ? .textDelta(id: id, delta: delta) : .reasoningDelta(id: id, delta: delta)
    }

    func end(id: String) -> Chunk { self == .text ? .textEnd(id: id) : .reasoningEnd(id: id) }
}
