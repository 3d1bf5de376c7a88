import Conversation
import Foundation
import Synchronization
import TurnHost

/// What a replay has done so far, line by line in a file, so that one that was interrupted is continued.
final class ReplayJournal: Sendable {
    private struct State {
        var file: FileHandle
        var turns: [String: ReplayedTurn]
        var gaps: [String: String]
    }

    private let state: Mutex<State>

    /// Opens a journal, with what is in it; a line that was cut off by a death is left out.
    /// - Throws: what the file system says.
    init(path: String) throws {
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(filePath: path)) }
        let content = try Data(contentsOf: URL(filePath: path))
        let file = try FileHandle(forUpdating: URL(filePath: path))
        let end = try file.seekToEnd()
        if end > 0, content.last != UInt8(ascii: "\n") { try file.write(contentsOf: Data("\n".utf8)) }
        var turns: [String: ReplayedTurn] = [:]
        var gaps: [String: String] = [:]
        for line in content.split(separator: UInt8(ascii: "\n")) {
            guard let json = try? JSON(parsing: Array(line)) else { continue }
            if let turn = ReplayedTurn(json) { turns[turn.key] = turn }
            if let gap = RebuildReport.Gap(json) { gaps[gap.session] = gap.reason }
        }
        state = Mutex(State(file: file, turns: turns, gaps: gaps))
    }

    /// Every turn, by partition and offset.
    var turns: [ReplayedTurn] {
        state.withLock { $0.turns.values.sorted { ($0.partition, $0.offset) < ($1.partition, $1.offset) } }
    }

    var count: Int { state.withLock { $0.turns.count } }

    func add(_ turn: ReplayedTurn) throws {
        try state.withLock { state in
            try state.file.write(contentsOf: Data((turn.json.serializedString + "\n").utf8))
            state.turns[turn.key] = turn
        }
    }

    /// Sessions that the topics do not have whole: what they were replayed on is what is left.
    var gaps: [RebuildReport.Gap] {
        state.withLock { state in
            state.gaps.sorted { $0.key < $1.key }.map { RebuildReport.Gap(session: $0.key, reason: $0.value) }
        }
    }

    /// Notes the gaps that it does not know yet.
    func add(_ gaps: [RebuildReport.Gap]) throws {
        try state.withLock { state in
            for gap in gaps where state.gaps[gap.session] == nil {
                try state.file.write(contentsOf: Data((gap.json.serializedString + "\n").utf8))
                state.gaps[gap.session] = gap.reason
            }
        }
    }

    func close() {
        state.withLock { try? $0.file.close() }
    }
}

extension ReplayedTurn {
    fileprivate var key: String { "\(session)/\(turn)" }
}

extension RebuildReport.Gap {
    /// One line of a replay's journal, and of `--json`.
    var json: JSON { ["incomplete": .string(session), "reason": .string(reason)] }

    /// - Returns: `nil` if it is none of a journal's lines.
    fileprivate init?(_ json: JSON) {
        guard let session = json["incomplete"]?.stringValue, let reason = json["reason"]?.stringValue else {
            return nil
        }
        self.init(session: session, reason: reason)
    }
}
