import Conversation
import HTTPTypes
import NIOCore

/// A reading as server-sent events have it (WHATWG HTML, 9.2): `id` is the seq, `event` is `chunk` or the control
/// record's subtype.
enum EventEncoding {
    static func encode(_ reading: Reading, into buffer: inout ByteBuffer) -> ReadingOutcome {
        switch reading {
        case .event(let frame):
            // What an agent keeps beside the conversation is none of its readers' business.
            let value = frame.head.control == "checkpoint" ? Array("{}".utf8) : frame.value
            write(frame.head.control ?? "chunk", id: frame.seq, value, into: &buffer)
        case .forget(let from):
            let value: JSON = ["fromSeq": .number(JSONNumber(Int(from)))]
            write("superseded", id: from - 1, value.serialized(), into: &buffer)
        case .transcript(let from, let to, let messages):
            let value: JSON = [
                "fromSeq": .number(JSONNumber(Int(from))), "toSeq": .number(JSONNumber(Int(to))),
                "reason": "The events topic no longer has these events; the messages are what the store kept of them.",
                "messages": .array(messages),
            ]
            write("transcript", id: to, value.serialized(), into: &buffer)
        case .lagged(let after):
            let error = GatewayError(
                .ok, "reader_too_slow",
                "This reader fell further behind than what is kept for it; resume after the last id.",
                details: ["after": .number(JSONNumber(Int(after)))])
            write("error", id: nil, error.json.serialized(), into: &buffer)
            return .over
        }
        return .goesOn
    }

    private static func write(_ event: String, id: Int64?, _ value: [UInt8], into buffer: inout ByteBuffer) {
        if let id { buffer.writeString("id: \(id)\n") }
        // A line end would begin another field.
        buffer.writeString("event: \(String(event.unicodeScalars.filter { $0 != "\n" && $0 != "\r" }))\n")
        writeData(value, into: &buffer)
    }

    /// Adds the `data` fields and the event's end.
    static func writeData(_ value: [UInt8], into buffer: inout ByteBuffer) {
        // JSON has line ends between its tokens only, where a client puts them again.
        for line in value.split(omittingEmptySubsequences: false, whereSeparator: { $0 == 10 || $0 == 13 }) {
            buffer.writeString("data: ")
            buffer.writeBytes(line)
            buffer.writeString("\n")
        }
        buffer.writeString("\n")
    }
}
