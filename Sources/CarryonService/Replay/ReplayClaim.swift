import Conversation
import Foundation

/// What a replay of some name is about, kept beside what it has done: one that goes on must be about the same.
enum ReplayClaim {
    /// Takes the directory for a replay, or finds that it is this replay's.
    /// - Parameters:
    ///   - wanted: what the replay is about.
    ///   - now: milliseconds since 1970.
    /// - Returns: when the replay was begun, which "24h ago" goes by.
    /// - Throws: ``CommandFailure`` if it is another replay's; what the file system says.
    static func take(_ directory: String, for wanted: JSONObject, name: String, now: Int64) throws -> Int64 {
        let path = "\(directory)/replay.json"
        if FileManager.default.fileExists(atPath: path) {
            let bytes = Array(try Data(contentsOf: URL(filePath: path)))
            guard let known = try? JSON(parsing: bytes), let began = known["began"]?.int else {
                throw CommandFailure(.failed, "\(path) can't be read; use another --name")
            }
            let difference = wanted.first { known[$0.name] != $0.value }
            guard let difference else { return Int64(began) }
            throw CommandFailure(
                .usage,
                "the replay '\(name)' was begun with another \(difference.name); use another --name, or remove \(directory)"
            )
        }
        var claim = wanted
        claim["began"] = .number(JSONNumber(Int(now)))
        // What was said will be in there.
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try Data(JSON.object(claim).serialized()).write(to: URL(filePath: path))
        return now
    }
}
