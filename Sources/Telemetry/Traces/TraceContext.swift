/// Which span something happens in, as W3C Trace Context passes it on (https://www.w3.org/TR/trace-context/).
package struct TraceContext: Sendable, Hashable {
    /// 16 bytes, not all of them 0.
    package struct TraceID: Sendable, Hashable {
        let high: UInt64
        let low: UInt64
    }

    package let traceID: TraceID
    /// 8 bytes, not all of them 0.
    package let spanID: UInt64
    /// Whether somebody wants to see the trace.
    package let isSampled: Bool
    package var traceState: String?

    init(traceID: TraceID, spanID: UInt64, isSampled: Bool, traceState: String? = nil) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.traceState = traceState
    }

    /// Reads the header `traceparent`; `nil` for what the recommendation calls invalid.
    package init?(traceparent text: String, traceState: String? = nil) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, let version = Self.number(parts[0], digits: 2), version != 0xff,
            // Later versions may have more behind.
            version != 0 || parts.count == 4,
            parts[1].utf8.count == 32, let high = Self.number(parts[1].prefix(16), digits: 16),
            let low = Self.number(parts[1].dropFirst(16), digits: 16), high | low != 0,
            let spanID = Self.number(parts[2], digits: 16), spanID != 0,
            let flags = Self.number(parts[3], digits: 2)
        else { return nil }
        self.init(
            traceID: TraceID(high: high, low: low), spanID: spanID, isSampled: flags & 1 == 1, traceState: traceState)
    }

    package var traceparent: String {
        let (traceID, spanID, isSampled) = (traceID, spanID, isSampled)
        return String(unsafeUninitializedCapacity: 55) { text in
            var end = 0
            func write(_ byte: UInt8) {
                text[end] = byte
                end += 1
            }
            func write(_ number: UInt64, digits: Int) {
                for digit in (0..<digits).reversed() {
                    let value = UInt8(truncatingIfNeeded: number >> UInt64(4 * digit)) & 15
                    write(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
                }
            }
            write(0, digits: 2)
            write(UInt8(ascii: "-"))
            write(traceID.high, digits: 16)
            write(traceID.low, digits: 16)
            write(UInt8(ascii: "-"))
            write(spanID, digits: 16)
            write(UInt8(ascii: "-"))
            write(isSampled ? 1 : 0, digits: 2)
            return end
        }
    }

    /// Lower case only, as the recommendation has it.
    private static func number(_ text: Substring, digits: Int) -> UInt64? {
        guard text.utf8.count == digits else { return nil }
        var number: UInt64 = 0
        for character in text.utf8 {
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(character - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                number = number << 4 | UInt64(character - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }
}
