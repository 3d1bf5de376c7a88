import LanguageModels
import TestSupport
import Testing

@Suite("Server-sent events")
struct ServerSentEventParserTests {
    private func events(of text: String, piece: Int = .max) throws -> [ServerSentEvent] {
        var parser = ServerSentEventParser()
        var events: [ServerSentEvent] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            events += try parser.feed(rest.prefix(piece))
            rest = rest.dropFirst(piece)
        }
        if let last = try parser.finish() { events.append(last) }
        return events
    }

    private func event(_ data: String, _ name: String? = nil) -> ServerSentEvent {
        ServerSentEvent(name: name, data: Array(data.utf8))
    }

    @Test("Every shape of a line is read as the standard has it", arguments: [1, 2, 3, Int.max])
    func shapes(piece: Int) throws {
        let cases: [(String, [ServerSentEvent])] = [
            ("data: a\n\n", [event("a")]), ("data:a\r\rdata:b\r\n\r\n", [event("a"), event("b")]),
            ("data: a\ndata:  b\ndata\n\n", [event("a\n b\n")]), ("\u{FEFF}data: a\n\n", [event("a")]),
            (": comment\n\n:\n\ndata: a\n: within\n\n", [event("a")]), ("event: ping\n\ndata: a\n\n", [event("a")]),
            ("event: e\ndata: a\n\ndata: b\n\n", [event("a", "e"), event("b")]),
            ("id: 1\nretry: 2\nother\ndatax: 3\ndata: a:b\n\n", [event("a:b")]), ("data:\n\n", [event("")]),
            ("data: [DONE]", [event("[DONE]")]), ("data: a\n", [event("a")]), ("\n\r\n\r\n", []), ("", []),
            ("data: é👩‍👩‍👧\n\n", [event("é👩‍👩‍👧")]), ("\u{FEFF}\u{FEFF}data: a\n\n", []),
        ]
        for (text, expected) in cases {
            #expect(try events(of: text, piece: piece) == expected, "\(text.debugDescription)")
        }
    }

    @Test("Cut anywhere, a stream gives what its whole text gives", arguments: 0..<300 as Range<UInt64>)
    func property(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let words = [
            "data", "data:", "data: ", "event: e", "event:", ":", ": c", " ", "x", "é", "\u{FEFF}", "{}", "id: 1",
            "a:b",
        ]
        let ends = ["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n\r\n", ""]
        var text = Bool.random(using: &generator) ? "\u{FEFF}" : ""
        for _ in 0..<Int.random(in: 0..<20, using: &generator) {
            text += (words.randomElement(using: &generator) ?? "") + (ends.randomElement(using: &generator) ?? "")
        }
        var parser = ServerSentEventParser()
        var found: [ServerSentEvent] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...5, using: &generator)
            found += try parser.feed(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        if let last = try parser.finish() { found.append(last) }
        #expect(found == Self.naive(text), "seed \(seed): \(text.debugDescription)")
    }

    /// The whole text at once, line by line.
    private static func naive(_ text: String) -> [ServerSentEvent] {
        var scalars = Array(text.unicodeScalars)
        if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
        var lines: [String] = [""]
        for (index, scalar) in scalars.enumerated() {
            if scalar == "\n", index > 0, scalars[index - 1] == "\r" { continue }
            if scalar == "\n" || scalar == "\r" {
                lines.append("")
            } else {
                lines[lines.count - 1].unicodeScalars.append(scalar)
            }
        }
        // A last line without an end counts as one with an end, and the end of the text ends an event.
        lines.append("")
        var events: [ServerSentEvent] = []
        var (name, data): (String?, [String]) = (nil, [])
        for line in lines {
            if line.isEmpty {
                if !data.isEmpty {
                    events.append(
                        ServerSentEvent(
                            name: name?.isEmpty == true ? nil : name, data: Array(data.joined(separator: "\n").utf8)))
                }
                (name, data) = (nil, [])
                continue
            }
            let pieces = line.unicodeScalars.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            var value = pieces.count > 1 ? pieces[1] : Substring("").unicodeScalars
            if value.first == " " { value.removeFirst() }
            if String(pieces[0]) == "data" { data.append(String(value)) }
            if String(pieces[0]) == "event" { name = String(value) }
        }
        return events
    }

    @Test("A line and an event have a largest size, and one byte less is taken")
    func bounds() throws {
        var parser = ServerSentEventParser(maximumBytes: 16)
        #expect(try parser.feed("data: 0123456789\n\n".utf8).count == 1)
        #expect(throws: ServerSentEventParser.TooLarge.self) { try parser.feed("data: 0123456789a".utf8) }
        var other = ServerSentEventParser(maximumBytes: 16)
        _ = try other.feed("data: 0123456\ndata: 01234567\n".utf8)
        #expect(throws: ServerSentEventParser.TooLarge.self) { try other.feed("data: 8\n".utf8) }
    }
}
