import Foundation

/// The kernel's count of out-of-memory kills in this process's control group, by which a host's SIGKILL is told from
/// anybody else's. Both generations of control groups are read; where there is neither, nothing is known.
enum GroupMemory {
    static func outOfMemoryKills() -> Int? {
        guard let groups = text(of: "/proc/self/cgroup") else { return nil }
        for line in groups.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let files =
                if fields[1].split(separator: ",").contains("memory") {
                    [
                        "/sys/fs/cgroup/memory\(fields[2])/memory.oom_control",
                        "/sys/fs/cgroup/memory/memory.oom_control",
                    ]
                } else if fields[0] == "0" {
                    ["/sys/fs/cgroup\(fields[2])/memory.events", "/sys/fs/cgroup/memory.events"]
                } else {
                    [String]()
                }
            for file in files {
                if let kills = text(of: file).flatMap(kills(in:)) { return kills }
            }
        }
        return nil
    }

    /// The value of the line `oom_kill N`.
    static func kills(in text: String) -> Int? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "oom_kill" { return Int(words[1]) }
        }
        return nil
    }

    private static func text(of path: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return String(data: data, encoding: .utf8)
    }
}
