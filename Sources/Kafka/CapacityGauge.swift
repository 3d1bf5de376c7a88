/// How full a producer may get, and how empty it has to become before those who waited go on.
package struct ProducerCapacity: Sendable, Hashable {
    package var highRecords: Int
    package var lowRecords: Int
    package var highBytes: Int
    package var lowBytes: Int

    /// A low mark above its high mark is lowered to it.
    package init(
        highRecords: Int = 50_000, lowRecords: Int = 25_000, highBytes: Int = 64 << 20, lowBytes: Int = 32 << 20
    ) {
        self.highRecords = max(1, highRecords)
        self.lowRecords = max(0, min(lowRecords, self.highRecords - 1))
        self.highBytes = max(1, highBytes)
        self.lowBytes = max(0, min(lowBytes, self.highBytes - 1))
    }
}

/// Counts what is outstanding against a high and a low watermark: full from reaching the high one until falling to the
/// low one, so that waiters are woken seldom and in groups.
package struct CapacityGauge: Sendable {
    package let capacity: ProducerCapacity
    package private(set) var records = 0
    package private(set) var bytes = 0
    package private(set) var isFull = false

    package init(_ capacity: ProducerCapacity = ProducerCapacity()) {
        self.capacity = capacity
    }

    package mutating func add(records: Int = 1, bytes: Int) {
        self.records += records
        self.bytes += bytes
        if self.records >= capacity.highRecords || self.bytes >= capacity.highBytes { isFull = true }
    }

    /// - Returns: whether there is room again that there was not before.
    package mutating func remove(records: Int = 1, bytes: Int) -> Bool {
        self.records -= records
        self.bytes -= bytes
        guard isFull, self.records <= capacity.lowRecords, self.bytes <= capacity.lowBytes else { return false }
        isFull = false
        return true
    }
}
