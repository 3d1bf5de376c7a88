import Foundation

/// How the tool calls that a run has recorded its intent for are kept in one column: a JSON array, or NULL for none.
enum RunIntents {
    /// `recorded` with those of `calls` behind it that it does not hold yet.
    static func adding(_ calls: [String], to recorded: [String]) -> [String] {
        var known = Set(recorded)
        return recorded + calls.filter { known.insert($0).inserted }
    }

    static func value(of intents: [String]) throws -> SQLValue {
        guard !intents.isEmpty else { return .null }
        return .text(String(decoding: try JSONEncoder().encode(intents), as: UTF8.self))
    }

    static func intents(in text: String?) throws -> [String] {
        guard let text else { return [] }
        do {
            return try JSONDecoder().decode([String].self, from: Data(text.utf8))
        } catch {
            throw UndecodableColumn(name: "intents", value: text)
        }
    }
}
