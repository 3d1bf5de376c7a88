package import Kafka

/// High and low water: pauses at the high mark and resumes only at the low one, because a pause throws the
/// prefetched records away and must be seldom.
package struct Backpressure {
    package struct Bounds: Sendable, Hashable {
        /// Requests held: received and not settled.
        package var requests: Int
        /// Bytes of the records of these requests.
        package var bytes: Int
        /// Offsets of one partition between its watermark and its highest received record.
        package var span: Int64
        /// Where the low marks are, as a fraction of the bounds.
        package var lowMark: Double

        package init(requests: Int, bytes: Int, span: Int64, lowMark: Double = 0.5) {
            self.requests = max(requests, 1)
            self.bytes = max(bytes, 1)
            self.span = max(span, 1)
            self.lowMark = min(max(lowMark, 0), 1)
        }
    }

    package let bounds: Bounds
    /// Whether nothing more is wanted of any partition for now.
    package private(set) var isFull = false
    private var stretched: Set<TopicPartition> = []

    package init(bounds: Bounds) {
        self.bounds = bounds
    }

    /// Takes in how much is held. Bounds are soft by one batch: what was polled already is still taken.
    /// Returns whether that changed anything for all partitions.
    package mutating func update(requests: Int, bytes: Int) -> Bool {
        let wasFull = isFull
        if requests >= bounds.requests || bytes >= bounds.bytes {
            isFull = true
        } else if requests <= low(bounds.requests), bytes <= low(bounds.bytes) {
            isFull = false
        }
        return isFull != wasFull
    }

    /// Takes in how far one partition has got ahead of its watermark.
    package mutating func update(_ partition: TopicPartition, span: Int64) {
        if span >= bounds.span {
            stretched.insert(partition)
        } else if span <= Int64(Double(bounds.span) * bounds.lowMark) {
            stretched.remove(partition)
        }
    }

    package mutating func forget(_ partition: TopicPartition) {
        stretched.remove(partition)
    }

    /// Whether nothing more of this partition is wanted for now.
    package func holdsBack(_ partition: TopicPartition) -> Bool {
        isFull || stretched.contains(partition)
    }

    private func low(_ bound: Int) -> Int { Int(Double(bound) * bounds.lowMark) }
}
