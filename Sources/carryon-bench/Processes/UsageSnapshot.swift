import Glibc

/// Everything that takes part, at one moment: this process with broker, producer and reader; the workers; their hosts.
struct UsageSnapshot: Sendable {
    /// What a process is in the benchmark.
    enum Part: String, Sendable, CaseIterable {
        case bench = "broker, producer, reader"
        case worker
        case host = "turn hosts"
    }

    private(set) var processes: [Int32: (part: Part, usage: ProcessUsage)] = [:]

    init(workers: [Int32]) {
        add(getpid(), .bench)
        for worker in workers {
            add(worker, .worker)
            for host in ProcessUsage.children(of: worker) { add(host, .host) }
        }
    }

    private mutating func add(_ processID: Int32, _ part: Part) {
        if let usage = ProcessUsage(processID) { processes[processID] = (part, usage) }
    }

    /// Bytes in memory of worker and hosts at their worst.
    var peakBytes: Int {
        processes.values.filter { $0.part != .bench }.reduce(0) { $0 + $1.usage.peakBytes }
    }

    /// Bytes in memory of worker and hosts.
    var residentBytes: Int {
        processes.values.filter { $0.part != .bench }.reduce(0) { $0 + $1.usage.residentBytes }
    }

    /// Seconds of CPU since `earlier`, by part.
    func cpu(since earlier: UsageSnapshot) -> [Part: Double] {
        var sums: [Part: Double] = [:]
        for (id, process) in processes {
            sums[process.part, default: 0] += process.usage.cpu - (earlier.processes[id]?.usage.cpu ?? 0)
        }
        return sums
    }

    /// Seconds of CPU since `earlier` of the threads of a name, by part.
    func threads(since earlier: UsageSnapshot) -> [(part: Part, name: String, cpu: Double)] {
        var sums: [Part: [String: Double]] = [:]
        for (id, process) in processes {
            for (thread, now) in process.usage.threads {
                let before = earlier.processes[id]?.usage.threads[thread]?.cpu ?? 0
                sums[process.part, default: [:]][now.name, default: 0] += now.cpu - before
            }
        }
        return sums.flatMap { part, names in names.map { (part, $0.key, $0.value) } }.sorted { $0.cpu > $1.cpu }
    }

    /// Seconds of CPU of worker and hosts since `earlier`, exact over short times, as long as no thread ends.
    func workerThreadSeconds(since earlier: UsageSnapshot) -> Double {
        processes.filter { $0.value.part != .bench }
            .reduce(0) { $0 + $1.value.usage.threadSeconds - (earlier.processes[$1.key]?.usage.threadSeconds ?? 0) }
    }

    /// Bytes that worker and hosts wrote to the disk since `earlier`.
    func diskBytes(since earlier: UsageSnapshot) -> Int {
        sum(since: earlier, \.diskBytes)
    }

    /// Bytes that worker and hosts handed to write calls since `earlier`.
    func callBytes(since earlier: UsageSnapshot) -> Int {
        sum(since: earlier, \.callBytes)
    }

    private func sum(since earlier: UsageSnapshot, _ member: KeyPath<ProcessUsage, Int>) -> Int {
        processes.filter { $0.value.part != .bench }
            .reduce(0) {
                $0 + $1.value.usage[keyPath: member] - (earlier.processes[$1.key]?.usage[keyPath: member] ?? 0)
            }
    }
}
