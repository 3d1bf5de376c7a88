/// Reads server-sent events out of bytes that come in pieces, cut anywhere.
///
/// A line ends with a carriage return, a line feed, or both; an empty line ends an event. A byte order mark at the
/// beginning, comments, unknown fields and events without data are passed over. An event may not be larger than a bound,
/// so that a stream without line ends takes no more memory than that.
package struct ServerSentEventParser: Sendable {
    /// A line or an event that is larger than it may be.
    package struct TooLarge: Error {}

    private let maximumBytes: Int
    private var line: [UInt8] = []
    private var isFirstLine = true
    /// Whether a line feed that comes now is the second half of a line end.
    private var isBehindReturn = false
    private var name: String?
    private var data: [UInt8]?

    /// - Parameter maximumBytes: how large a line, and the data of an event, may be.
    package init(maximumBytes: Int = 8 << 20) { self.maximumBytes = maximumBytes }

    /// Takes the next bytes.
    /// - Returns: the events that end in them.
    package mutating func feed(_ bytes: some Sequence<UInt8>) throws(TooLarge) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            let completesLineEnd = isBehindReturn && byte == UInt8(ascii: "\n")
            isBehindReturn = byte == UInt8(ascii: "\r")
            if completesLineEnd { continue }
            if byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") {
                if let event = try endLine() { events.append(event) }
            } else {
                guard line.count < maximumBytes else { throw TooLarge() }
                line.append(byte)
            }
        }
        return events
    }

    /// The stream has ended.
    /// - Returns: an event whose end is missing. There are servers that leave out the last line ends.
    package mutating func finish() throws(TooLarge) -> ServerSentEvent? {
        if !line.isEmpty, let event = try endLine() { return event }
        return endEvent()
    }

    private mutating func endLine() throws(TooLarge) -> ServerSentEvent? {
        defer {
            line.removeAll(keepingCapacity: true)
            isFirstLine = false
        }
        var content = line[...]
        if isFirstLine, content.starts(with: [0xEF, 0xBB, 0xBF]) { content.removeFirst(3) }
        if content.isEmpty { return endEvent() }
        let field = content.prefix { $0 != UInt8(ascii: ":") }
        var value = content.dropFirst(field.count + 1)
        if value.first == UInt8(ascii: " ") { value.removeFirst() }
        if field.elementsEqual("data".utf8) {
            guard (data?.count ?? 0) + value.count < maximumBytes else { throw TooLarge() }
            if data == nil { data = Array(value) } else { data?.append(contentsOf: [UInt8(ascii: "\n")] + value) }
        } else if field.elementsEqual("event".utf8) {
            name = String(decoding: value, as: UTF8.self)
        }
        return nil
    }

    private mutating func endEvent() -> ServerSentEvent? {
        defer { (name, data) = (nil, nil) }
        return data.map { ServerSentEvent(name: name?.isEmpty == false ? name : nil, data: $0) }
    }
}
