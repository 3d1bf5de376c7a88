import Conversation
import Foundation
import Synchronization

/// What a replay has done so far, line by line in a file, so that one that was interrupted is continued.
final class ReplayJournal: Sendable {
    private struct State {
        var file: FileHandle
        var turns: [String: ReplayedTurn]
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
        for line in content.split(separator: UInt8(ascii: "\n")) {
            guard let json = try? JSON(parsing: Array(line)), let turn = ReplayedTurn(json) else { continue }
            turns[turn.key] = turn
        }
        state = Mutex(State(file: file, turns: turns))
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

    func close() {
        state.withLock { try? $0.file.close() }
    }
}

extension ReplayedTurn {
    fileprivate var key: String { "\(session)/\(turn)" }
}
