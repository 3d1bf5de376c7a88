import Conversation
package import Kafka
import TurnHost

/// Finds the stops among records, most of which are none.
package struct StopScan: Sendable {
    let intake: RequestIntake

    package init(intake: RequestIntake) {
        self.intake = intake
    }

    /// A stop of more bytes takes effect in its place only: those that are known ahead of it are held in memory.
    package static let largest = 8 << 10

    /// The stop that the record asks for, if that is what it does. Total, like intake: of anything else it is nil.
    package func stop(in record: KafkaRecord) -> FastLane.Stop? {
        guard let value = record.value, value.count <= Self.largest, Self.mayBeStop(value),
            case .request(let session, let request) = intake.examine(record), case .stop(let reason) = request.kind
        else { return nil }
        return FastLane.Stop(
            session: session, offset: record.offset, reason: reason, idempotencyKey: request.idempotencyKey,
            forwardedFrom: record.forward?.reference)
    }

    /// Whether a value is worth being decoded. JSON can spell the string in two ways: as it is, or with at least one of
    /// its letters, all between `\u006f` and `\u0074`, escaped.
    package static func mayBeStop(_ value: [UInt8]) -> Bool {
        value.withUnsafeBufferPointer { bytes in
            let last = bytes.count - spelled.count
            guard last >= 0 else { return false }
            for start in 0...last {
                let byte = bytes[start]
                if byte == quote, matches(bytes, at: start, spelled) { return true }
                if byte == backslash, matches(bytes, at: start, escape), isSixOrSeven(bytes[start + 4]) { return true }
            }
            return false
        }
    }

    private static let spelled = Array(#""stop""#.utf8)
    /// An escape is as long as the word.
    private static let escape = Array(#"\u00"#.utf8)
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    private static func matches(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int, _ pattern: [UInt8]) -> Bool {
        pattern.indices.allSatisfy { bytes[start + $0] == pattern[$0] }
    }

    private static func isSixOrSeven(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "6") || byte == UInt8(ascii: "7") }
}
