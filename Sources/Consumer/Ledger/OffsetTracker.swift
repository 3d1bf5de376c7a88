import DequeModule

/// Which offsets of one partition were received under one assignment, and up to where all of them are settled.
///
/// Only offsets that were really received are in it: compaction and transaction markers leave gaps, and nothing is
/// ever waited for that never came. All operations are amortised O(1).
package struct OffsetTracker {
    /// One received offset. An object, so that it is completed without being searched for, and so that an entry of an
    /// earlier assignment cannot complete an equal offset of this one.
    package final class Entry {
        package let offset: Int64
        package let bytes: Int
        package let registeredAt: ContinuousClock.Instant
        package fileprivate(set) var isComplete = false
        fileprivate let owner: Owner

        fileprivate init(offset: Int64, bytes: Int, registeredAt: ContinuousClock.Instant, owner: Owner) {
            self.offset = offset
            self.bytes = bytes
            self.registeredAt = registeredAt
            self.owner = owner
        }
    }

    fileprivate final class Owner {}

    /// An offset came that is not beyond the one before it: the log is not the one that was being read.
    package struct OffsetOutOfOrder: Error, Sendable, Hashable, CustomStringConvertible {
        package let offset: Int64
        package let highest: Int64

        package var code: String { "offset_out_of_order" }
        package var description: String { "Offset \(offset) came after offset \(highest): the log was made again." }
    }

    private let owner = Owner()
    private var entries: Deque<Entry> = []
    private var next: Int64?

    /// The highest offset that was registered, or the one before the start.
    private var highest: Int64?
    /// How many entries are not complete.
    package private(set) var count = 0
    /// What the records of the incomplete entries weigh together.
    package private(set) var bytes = 0

    /// `start` is the offset from which the partition is read, if it is known before its first record comes.
    package init(startingAt start: Int64? = nil) {
        next = start
        highest = start.map { $0 - 1 }
    }

    /// The next offset to commit: everything before it is settled. Nil as long as nothing is known of the partition.
    package var watermark: Int64? { entries.first?.offset ?? next }

    /// One past the highest offset that was registered; what comes next is not before it.
    package var nextExpected: Int64 { highest.map { $0 + 1 } ?? 0 }

    /// How many offsets lie between the watermark and the highest registered one, both included.
    package var span: Int64 {
        guard let watermark, let highest else { return 0 }
        return highest + 1 - watermark
    }

    /// When the first incomplete entry was registered.
    package var oldest: ContinuousClock.Instant? { entries.first?.registeredAt }

    /// Enters an offset. Throws for one that is not beyond all before it, and changes nothing then.
    package mutating func register(
        _ offset: Int64, bytes: Int, at instant: ContinuousClock.Instant
    ) throws(OffsetOutOfOrder) -> Entry {
        if let highest, offset <= highest { throw OffsetOutOfOrder(offset: offset, highest: highest) }
        let entry = Entry(offset: offset, bytes: bytes, registeredAt: instant, owner: owner)
        highest = offset
        entries.append(entry)
        count += 1
        self.bytes += bytes
        return entry
    }

    /// Marks an entry as settled. An entry of another tracker, or one that was complete already, changes nothing.
    /// Returns whether the watermark moved.
    package mutating func complete(_ entry: Entry) -> Bool {
        guard entry.owner === owner, !entry.isComplete else { return false }
        entry.isComplete = true
        count -= 1
        bytes -= entry.bytes
        var moved = false
        while let first = entries.first, first.isComplete {
            next = first.offset + 1
            entries.removeFirst()
            moved = true
        }
        return moved
    }
}
