import Foundation
import Glibc

/// What the kernel says of one process.
struct ProcessUsage: Sendable {
    /// Seconds of CPU, ended threads included.
    var cpu = 0.0
    /// Seconds of CPU by thread, of those that live.
    var threads: [Int32: (name: String, cpu: Double)] = [:]
    /// Seconds of CPU of the threads that live, to the nanosecond.
    var threadSeconds = 0.0
    var residentBytes = 0
    var peakBytes = 0
    /// What it asked the disk to write.
    var diskBytes = 0
    /// What it handed to write calls, sockets included.
    var callBytes = 0

    /// Nil if there is no such process any more.
    init?(_ processID: Int32) {
        guard let stat = Self.read("/proc/\(processID)/stat"), let own = Self.cpu(stat) else { return nil }
        cpu = own.cpu
        for task in (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/task")) ?? [] {
            guard let id = Int32(task), let stat = Self.read("/proc/\(processID)/task/\(task)/stat"),
                let thread = Self.cpu(stat)
            else { continue }
            threads[id] = (thread.name, thread.cpu)
            let times = Self.read("/proc/\(processID)/task/\(task)/schedstat")?.split(separator: " ")
            threadSeconds += times?.first.flatMap { Double($0) }.map { $0 * 1e-9 } ?? thread.cpu
        }
        let status = Self.members(Self.read("/proc/\(processID)/status") ?? "")
        residentBytes = (status["VmRSS"] ?? 0) * 1024
        peakBytes = (status["VmHWM"] ?? 0) * 1024
        let io = Self.members(Self.read("/proc/\(processID)/io") ?? "")
        diskBytes = io["write_bytes"] ?? 0
        callBytes = io["wchar"] ?? 0
    }

    /// The processes that a process has started and that live.
    static func children(of processID: Int32) -> [Int32] {
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/task")) ?? []
        return tasks.flatMap { task in
            (read("/proc/\(processID)/task/\(task)/children") ?? "").split(separator: " ").compactMap { Int32($0) }
        }
        .sorted()
    }

    private static let ticksPerSecond = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))

    private static func read(_ path: String) -> String? {
        try? String(contentsOfFile: path, encoding: .utf8)
    }

    private static func cpu(_ stat: String) -> (name: String, cpu: Double)? {
        // The name is in parentheses and may hold any, so that the fields are counted from the last one.
        guard let open = stat.firstIndex(of: "("), let close = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (String(stat[stat.index(after: open)..<close]), (user + system) / ticksPerSecond)
    }

    /// Lines such as `VmRSS:     1234 kB`.
    private static func members(_ text: String) -> [String: Int] {
        var members: [String: Int] = [:]
        for line in text.split(separator: "\n") {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2, let number = halves[1].split(whereSeparator: \.isWhitespace).first else {
                continue
            }
            members[String(halves[0])] = Int(number)
        }
        return members
    }
}
