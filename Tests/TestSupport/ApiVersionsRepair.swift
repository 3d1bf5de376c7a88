/// Empties the tagged-field sections of an ApiVersions response.
///
/// librdkafka 2.0.2 skips tagged fields one byte short and then gives up on the broker ("Local: Read underflow"). The
/// fields are optional by Kafka's own rules, so a client misses nothing without them.
package enum ApiVersionsRepair {
    /// The api key of an ApiVersions request.
    private static let apiKey: [UInt8] = [0, 18]

    /// Whether a connection's first bytes, length prefix included, ask for ApiVersions in a version whose response has
    /// tagged fields. Needs the first eight bytes.
    package static func concerns(request: some Collection<UInt8>) -> Bool {
        let start = Array(request.prefix(8))
        return start.count == 8 && Array(start[4..<6]) == apiKey && (start[6] > 0 || start[7] >= 3)
    }

    /// - Parameter response: one whole response, length prefix included.
    /// - Returns: the response with its length fixed; nil if it cannot be read as one, and should go as it is.
    package static func withoutTags(_ response: [UInt8]) -> [UInt8]? {
        var input = Input(bytes: response)
        guard let length = input.take(4), length.reduce(0, { $0 << 8 | Int($1) }) == response.count - 4,
            let head = input.take(6)
        else { return nil }
        // An unsupported version is answered in the oldest format, which has no tags.
        guard Array(head.dropFirst(4)) == [0, 0], let (count, countBytes) = input.number() else { return nil }
        var body = Array(head) + countBytes
        for _ in 0..<max(0, count - 1) {
            guard let entry = input.take(6), input.skipTags() else { return nil }
            body += entry + [0]
        }
        guard let throttle = input.take(4), input.skipTags(), input.isAtEnd else { return nil }
        body += throttle + [0]
        return (0..<4).map { UInt8(truncatingIfNeeded: body.count >> (24 - 8 * $0)) } + body
    }

    private struct Input {
        let bytes: [UInt8]
        var position = 0

        var isAtEnd: Bool { position == bytes.count }

        mutating func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count >= 0, count <= bytes.count - position else { return nil }
            defer { position += count }
            return bytes[position..<(position + count)]
        }

        /// A variable-length unsigned number, with its bytes.
        mutating func number() -> (Int, ArraySlice<UInt8>)? {
            let start = position
            var value = 0
            for shift in stride(from: 0, to: 35, by: 7) {
                guard let byte = take(1)?.first else { return nil }
                value |= Int(byte & 0x7F) << shift
                if byte & 0x80 == 0 { return (value, bytes[start..<position]) }
            }
            return nil
        }

        mutating func skipTags() -> Bool {
            guard let (count, _) = number() else { return false }
            for _ in 0..<count {
                guard number() != nil, let (size, _) = number(), take(size) != nil else { return false }
            }
            return true
        }
    }
}
