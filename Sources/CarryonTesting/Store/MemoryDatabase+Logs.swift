import SessionStore

/// The highest settled offset of a log, and the fingerprint of the record that was there.
struct SettledMark: Hashable, Sendable {
    var offset: Int64
    var fingerprint: Int64

    /// Why a log that reaches from `start` up to, but not including, `end` cannot be the one that the mark is in.
    /// - Parameter found: the fingerprint of the record at the mark; nil if there is none.
    func contradiction(start: Int64, end: Int64, found: (Int64) async -> Int64?) async -> String? {
        if offset >= end { return "offset \(offset) was settled, but the log now ends at \(end)" }
        guard offset >= start, let found = await found(offset), found != fingerprint else { return nil }
        return "the record at offset \(offset) is not the one that was settled there"
    }
}

extension MemoryDatabase {
    /// The current epoch of a partition's log, and its mark.
    struct KnownLog: Hashable, Sendable {
        var epoch: Int64
        var mark: SettledMark?
    }

    func knownLog(_ partition: PartitionName) -> KnownLog? {
        guard let epochs = logs[partition], let latest = epochs.max(by: { $0.key < $1.key }) else { return nil }
        return KnownLog(epoch: latest.key, mark: latest.value)
    }

    /// Makes `epoch` the partition's current one, provided that the log is still as it was when that was decided.
    mutating func beginEpoch(_ epoch: Int64, of partition: PartitionName, replacing seen: KnownLog?) -> Bool {
        guard knownLog(partition) == seen else { return false }
        logs[partition, default: [:]][epoch] = .some(nil)
        return true
    }

    mutating func note(_ log: LogIdentity) {
        let partition = PartitionName(log)
        if logs[partition]?[log.epoch] == nil { logs[partition, default: [:]][log.epoch] = .some(nil) }
    }

    mutating func noteSettled(_ position: LogPosition, fingerprint: Int64?) {
        note(position.log)
        let partition = PartitionName(position.log)
        guard let fingerprint else { return }
        if let known = logs[partition]?[position.log.epoch] ?? nil, known.offset >= position.offset { return }
        logs[partition]?[position.log.epoch] = SettledMark(offset: position.offset, fingerprint: fingerprint)
    }

    func settledClusters(topic: String) -> [String] {
        let settled = logs.filter { name, epochs in name.topic == topic && epochs.values.contains { $0 != nil } }
        return Set(settled.keys.map(\.cluster)).sorted()
    }
}
