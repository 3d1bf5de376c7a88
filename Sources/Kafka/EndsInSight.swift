/// Tells when reading has come to where partitions ended when it began.
///
/// librdkafka tells of a partition's end when a fetch has found nothing, and beside writers that do not pause there is
/// always something. So the end that the first fetch was told of counts too, a moment after it was passed: a broker may
/// tell one that lies short of its last batch.
package struct EndsInSight {
    /// How long reading goes on behind that end, for the broker to tell of another one.
    package static let grace = Duration.milliseconds(250)

    private struct Place {
        /// The end when the first records came.
        var end: Int64?
        var next: Int64 = 0
        var passedAt: ContinuousClock.Instant?
    }

    private var places: [TopicPartition: Place]

    package init(_ partitions: some Sequence<TopicPartition> = []) {
        places = Dictionary(uniqueKeysWithValues: partitions.map { ($0, Place()) })
    }

    /// A record has come.
    /// - Parameter high: the end that the partition's last fetch was told of, if it is known.
    package mutating func heard(
        _ partition: TopicPartition, offset: Int64, at now: ContinuousClock.Instant, high: () -> Int64?
    ) {
        guard var place = places[partition] else { return }
        if place.end == nil { place.end = high() }
        place.next = offset + 1
        if place.passedAt == nil, let end = place.end, place.next >= end { place.passedAt = now }
        places[partition] = place
    }

    /// The broker has told of the end.
    package mutating func ended(_ partition: TopicPartition) {
        places[partition] = nil
    }

    /// The partitions whose end is behind the reader, each once, with the next record's offset.
    package mutating func take(at now: ContinuousClock.Instant) -> [TopicPartition: Int64] {
        let passed = places.filter { $0.value.passedAt.map { now - $0 >= Self.grace } == true }
        for partition in passed.keys { places[partition] = nil }
        return passed.mapValues(\.next)
    }
}
