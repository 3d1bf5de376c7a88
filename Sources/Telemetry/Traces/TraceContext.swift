package import Tracing

/// Which span something happens in, as W3C Trace Context passes it on (https://www.w3.org/TR/trace-context/).
package struct TraceContext: Sendable, Hashable {
    /// 16 bytes, not all of them 0.
    package let traceID: [UInt8]
    /// 8 bytes, not all of them 0.
    package let spanID: [UInt8]
    /// Whether somebody wants to see the trace.
    package let isSampled: Bool
    package var traceState: String?

    init(traceID: [UInt8], spanID: [UInt8], isSampled: Bool, traceState: String? = nil) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.traceState = traceState
    }

    /// Reads the header `traceparent`; `nil` for what the recommendation calls invalid.
    package init?(traceparent text: String, traceState: String? = nil) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, let version = Self.bytes(parts[0], 1), version[0] != 0xff,
            // Later versions may have more behind.
            version[0] != 0 || parts.count == 4,
            let traceID = Self.bytes(parts[1], 16), traceID.contains(where: { $0 != 0 }),
            let spanID = Self.bytes(parts[2], 8), spanID.contains(where: { $0 != 0 }),
            let flags = Self.bytes(parts[3], 1)
        else { return nil }
        self.init(traceID: traceID, spanID: spanID, isSampled: flags[0] & 1 == 1, traceState: traceState)
    }

    package var traceparent: String {
        "00-\(Self.hexadecimal(traceID))-\(Self.hexadecimal(spanID))-\(isSampled ? "01" : "00")"
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Lower case only, as the recommendation has it.
    private static func bytes(_ text: Substring, _ count: Int) -> [UInt8]? {
        guard text.utf8.count == count * 2 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text.utf8 {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }
}

extension ServiceContext {
    private enum TraceKey: ServiceContextKey {
        typealias Value = TraceContext
        static var nameOverride: String? { "carryon-trace" }
    }

    private enum ConversationKey: ServiceContextKey {
        typealias Value = String
        static var nameOverride: String? { "gen_ai.conversation.id" }
    }

    /// The span that this happens in, or that it follows from.
    package var trace: TraceContext? {
        get { self[TraceKey.self] }
        set { self[TraceKey.self] = newValue }
    }

    /// The session whose turn this happens in: `gen_ai.conversation.id` of every span and log line, and of metrics'
    /// exemplars. Task-local, since many sessions' turns run in one process.
    package var conversationID: String? {
        get { self[ConversationKey.self] }
        set { self[ConversationKey.self] = newValue }
    }
}
