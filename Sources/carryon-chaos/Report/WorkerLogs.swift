import Foundation

/// What the workers of a run logged.
struct WorkerLogs: Sendable {
    let directory: URL

    /// The lines that name a session, oldest first, each with its worker's name in front.
    func lines(about session: String, atMost count: Int = 40) -> [String] {
        let workers = directory.appending(path: "workers")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: workers.path(percentEncoded: false))) ?? []
        var found: [(time: Substring, line: String)] = []
        for name in names where name.hasSuffix(".err") {
            guard let data = try? Data(contentsOf: workers.appending(path: name)) else { continue }
            for line in String(decoding: data, as: UTF8.self).split(separator: "\n") where line.contains(session) {
                found.append((line.prefix(33), "\(name.dropLast(4)): \(line)"))
            }
        }
        return found.sorted { $0.time < $1.time }.suffix(count).map(\.line)
    }
}
