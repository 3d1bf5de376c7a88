/// How a session's list of offsets that took effect ahead of its position is kept in one column: `LOG:OFFSET`, with the
/// key of the log's row, separated by spaces. Nearly always empty, never long.
enum AppliedAhead {
    static func text(of positions: [LogPosition], key: (LogIdentity) throws -> Int64) rethrows -> String {
        try positions.map { "\(try key($0.log)):\($0.offset)" }.joined(separator: " ")
    }

    static func entries(in text: String) throws -> [(log: Int64, offset: Int64)] {
        try text.split(separator: " ").map { entry in
            let parts = entry.split(separator: ":")
            guard parts.count == 2, let log = Int64(parts[0]), let offset = Int64(parts[1]) else {
                throw UndecodableColumn(name: "applied_ahead", value: text)
            }
            return (log, offset)
        }
    }
}
