import Conversation
import NIOCore

/// One turn's events as the AI SDK's UI message stream: chunks only, unchanged.
///
/// What a later run took back can't be taken back from that client: it is told of it by a transient part
/// `data-superseded`, and may load the chat again.
struct ChatEncoder: Sendable {
    /// Whether an event belongs to what is streamed.
    let includes: @Sendable (EventHeaders) -> Bool

    /// The stream's last words.
    static let ending = "data: [DONE]\n\n"

    @Sendable func encode(_ reading: Reading, into buffer: inout ByteBuffer) -> ReadingOutcome {
        switch reading {
        case .event(let frame):
            guard includes(frame.head) else { return .goesOn }
            guard let control = frame.head.control else {
                EventEncoding.writeData(frame.value, into: &buffer)
                return .goesOn
            }
            if control == "superseded" {
                superseded(from: (try? JSON(parsing: frame.value))?["fromSeq"], into: &buffer)
            }
            return ControlRecord.closingSubtypes.contains(control) ? .over : .goesOn
        case .forget(let from):
            superseded(from: .number(JSONNumber(Int(from))), into: &buffer)
            return .goesOn
        case .transcript: return .goesOn
        case .lagged:
            let chunk: JSON = ["type": "error", "errorText": "This reader was too slow; load the chat again."]
            EventEncoding.writeData(chunk.serialized(), into: &buffer)
            return .over
        }
    }

    private func superseded(from seq: JSON?, into buffer: inout ByteBuffer) {
        let chunk: JSON = [
            "type": "data-superseded", "data": ["fromSeq": seq ?? .null], "transient": true,
        ]
        EventEncoding.writeData(chunk.serialized(), into: &buffer)
    }
}
