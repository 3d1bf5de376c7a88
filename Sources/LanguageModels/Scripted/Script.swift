import Conversation

/// What a message asks the scripted model to do, step by step.
struct Script: Sendable, Hashable {
    enum Step: Sendable, Hashable {
        case say(String)
        case tokens(count: Int, every: Duration?)
        case reason(String)
        case tool(name: String, input: JSON)
        case sleep(Duration)
        case prompt
        case fail(ModelError.Code)
        case crash(signal: Int32, Runs)
        case allocate(byteCount: Int, Runs)
    }

    /// The runs of a turn in which a fault happens.
    struct Runs: Sendable, Hashable {
        /// `nil` is every run.
        var last: Int?

        func contains(_ run: Int) -> Bool { last.map { run <= $0 } ?? true }
    }

    var steps: [Step]

    /// Reads a message: a program, or plain text that is restated.
    ///
    /// - Throws: ``ModelError`` of the code `invalidRequest` for a malformed program.
    init(message: String, prompt: ArraySlice<Message>, allowsFaults: Bool) throws(ModelError) {
        guard Self.isProgram(message) else {
            steps = [.say(Self.restating(message, messageCount: prompt.count))]
            return
        }
        steps = []
        let lines = message.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated().dropFirst() {
            let parser = ScriptLineParser(line: line, number: index + 1, allowsFaults: allowsFaults)
            if let step = try parser.step() { steps.append(step) }
        }
    }

    private static let marker = "#script"

    private static func isProgram(_ message: String) -> Bool {
        // Compared as bytes first: nearly every message is plain text, and long ones are not split into lines for
        // nothing.
        guard message.utf8.starts(with: marker.utf8) else { return false }
        let firstLine = message.prefix { !$0.isNewline }
        return firstLine.dropFirst(marker.count).allSatisfy(\.isWhitespace)
    }

    private static func restating(_ message: String, messageCount: Int) -> String {
        let prompt = "This prompt holds \(messageCount) \(messageCount == 1 ? "message" : "messages")."
        let text = message.trimmingSpaces
        guard let last = text.utf8.last else { return "You said nothing. \(prompt)" }
        let isSentence = [UInt8(ascii: "."), UInt8(ascii: "!"), UInt8(ascii: "?")].contains(last)
        return "You said: \(text)\(isSentence ? "" : ".") \(prompt)"
    }
}

extension StringProtocol where SubSequence == Substring {
    /// Without white space at both ends.
    var trimmingSpaces: Substring {
        let start = drop(while: \.isWhitespace)
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return start }
        return start[...end]
    }
}
