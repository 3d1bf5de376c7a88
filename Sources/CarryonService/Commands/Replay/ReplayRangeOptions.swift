import ArgumentParser
import Conversation

/// Options that say which requests a replay is about.
struct ReplayRangeOptions: ParsableArguments {
    @Option(help: "From this offset of each partition, or this time: 2026-01-31T09:30:00Z, or how long ago, as 24h.")
    var from: String?
    @Option(help: "Up to, and not including, this offset or time.") var to: String?
    @Option(name: .customLong("session"), help: "Only this session; may be given several times.")
    var sessions: [String] = []
    @Option(name: .customLong("partition"), help: "Only this partition; may be given several times.")
    var partitions: [Int32] = []

    func validate() throws {
        _ = try range(now: 0)
    }

    /// - Parameter now: milliseconds since 1970.
    func range(now: Int64) throws -> ReplayRange {
        ReplayRange(
            from: try Self.bound(from, "--from", now), to: try Self.bound(to, "--to", now),
            sessions: sessions.isEmpty ? nil : Set(sessions))
    }

    private static func bound(_ text: String?, _ option: String, _ now: Int64) throws -> ReplayRange.Bound? {
        if let text, let offset = Int64(text) {
            guard offset >= 0 else { throw ValidationError("\(option) takes no negative offset") }
            return .offset(offset)
        }
        return try LetterFilterOptions.time(text, option, now).map { .time($0) }
    }

    /// The partitions that are meant, of all there are.
    func selected(of all: [Int32], topic: String) throws -> [Int32] {
        if let unknown = partitions.first(where: { !all.contains($0) }) {
            throw CommandFailure(.usage, "\(topic) has no partition \(unknown)")
        }
        return partitions.isEmpty ? all : partitions.sorted()
    }
}
