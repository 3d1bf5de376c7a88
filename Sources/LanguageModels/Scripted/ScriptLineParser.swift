import Conversation

/// Reads one line of a program. Its errors name the line and what it accepts, never its text.
struct ScriptLineParser {
    let line: Substring
    /// From 1; the first line is the one that says `#script`.
    let number: Int
    let allowsFaults: Bool

    /// Above this, the text of a `tokens` step would be too large to be held for every turn that asks for it.
    static let maximumTokens = 1_000_000

    /// `nil` for a blank line.
    func step() throws(ModelError) -> Script.Step? {
        let content = line.trimmingSpaces
        guard !content.isEmpty else { return nil }
        let keyword = content.prefix { !$0.isWhitespace }
        let argument = content.dropFirst(keyword.count).trimmingSpaces
        switch keyword {
        case "say": return .say(try text(argument, "say TEXT"))
        case "reason": return .reason(try text(argument, "reason TEXT"))
        case "prompt":
            guard argument.isEmpty else { throw malformed("prompt with nothing behind it") }
            return .prompt
        case "tokens": return try tokens(argument)
        case "tool": return try tool(argument)
        case "sleep":
            guard let duration = Quantity.duration(argument) else {
                throw malformed("sleep TIME, where TIME is \(Quantity.durationForm)")
            }
            return .sleep(duration)
        case "fail":
            guard let code = ModelError.Code(rawValue: String(argument)) else {
                let codes = ModelError.Code.allCases.map(\.rawValue).joined(separator: ", ")
                throw malformed("fail CODE, where CODE is one of \(codes)")
            }
            return .fail(code)
        case "crash": return try crash(argument)
        case "allocate": return try allocate(argument)
        default:
            throw malformed("one of the steps say, tokens, reason, tool, sleep, prompt, fail, crash and allocate")
        }
    }

    private func text(_ argument: Substring, _ form: String) throws(ModelError) -> String {
        // An empty part could not be told from one that was cut before its first word.
        guard !argument.isEmpty else { throw malformed(form) }
        return String(argument)
    }

    private func tokens(_ argument: Substring) throws(ModelError) -> Script.Step {
        var fields = argument.split(whereSeparator: \.isWhitespace)[...]
        let count = fields.popFirst().flatMap { Int($0) }
        let every = fields.popFirst().map { Quantity.duration($0) }
        guard let count, (1...Self.maximumTokens).contains(count), every != .some(nil), fields.isEmpty else {
            throw malformed(
                "tokens N [EVERY], where N is from 1 to \(Self.maximumTokens) and EVERY \(Quantity.durationForm)")
        }
        return .tokens(count: count, every: every ?? nil)
    }

    private func tool(_ argument: Substring) throws(ModelError) -> Script.Step {
        let name = argument.prefix { !$0.isWhitespace }
        let input = argument.dropFirst(name.count)
        guard !name.isEmpty, let input = try? JSON(parsing: String(input)) else {
            throw malformed("tool NAME JSON, where JSON is one value on the same line")
        }
        return .tool(name: String(name), input: input)
    }

    private func crash(_ argument: Substring) throws(ModelError) -> Script.Step {
        guard let (name, runs) = fault(argument), let signal = ScriptSignal.number(named: name) else {
            throw malformed(
                "crash SIGNAL [upto N], where SIGNAL is one of \(ScriptSignal.names.joined(separator: ", "))")
        }
        try checkFaults("crash")
        return .crash(signal: signal, runs)
    }

    private func allocate(_ argument: Substring) throws(ModelError) -> Script.Step {
        guard let (size, runs) = fault(argument), let byteCount = Quantity.byteCount(size) else {
            throw malformed("allocate SIZE [upto N], where SIZE is \(Quantity.byteCountForm)")
        }
        try checkFaults("allocate")
        return .allocate(byteCount: byteCount, runs)
    }

    /// `WHAT [upto N]`.
    private func fault(_ argument: Substring) -> (what: Substring, Script.Runs)? {
        let fields = argument.split(whereSeparator: \.isWhitespace)
        switch fields.count {
        case 1: return (fields[0], Script.Runs(last: nil))
        case 3 where fields[1] == "upto":
            guard let last = Int(fields[2]), last >= 0 else { return nil }
            return (fields[0], Script.Runs(last: last))
        default: return nil
        }
    }

    private func checkFaults(_ step: String) throws(ModelError) {
        guard allowsFaults else {
            throw ModelError(
                .invalidRequest,
                "line \(number) of the script has the step \(step), but fault injection is off (--fault-injection)")
        }
    }

    private func malformed(_ accepted: String) -> ModelError {
        ModelError(.invalidRequest, "line \(number) of the script is malformed; it accepts \(accepted)")
    }
}
