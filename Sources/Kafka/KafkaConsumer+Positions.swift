internal import CRdkafka

extension KafkaConsumer {
    /// Stops fetching these partitions, and drops what was fetched ahead: pause seldom. Of records polled before, some
    /// may still be handed over. A pause ends with the assignment: a partition that is revoked and comes back is
    /// fetched again (in librdkafka itself it would stay paused), so the delegate's `assigned` is the place to pause
    /// anew, after it returned. What is paused already is left alone.
    /// - Throws: for partitions that are not assigned, having paused the others.
    package func pause(_ partitions: some Collection<TopicPartition>) throws(KafkaError) {
        let operation = "pause partitions"
        try loop.handle.withClient(operation) { client throws(KafkaError) in
            try loop.events.paused.pause(partitions, in: client, operation: operation)
        }
    }

    /// Fetches these partitions again, from where they were sent to since they were paused, or else from the record
    /// after the last that was handed over. What is not paused is left alone.
    package func resume(_ partitions: some Collection<TopicPartition>) throws(KafkaError) {
        let operation = "resume partitions"
        try loop.handle.withClient(operation) { client throws(KafkaError) in
            try loop.events.paused.resume(partitions, in: client, operation: operation)
        }
    }

    /// What is paused at this moment.
    package var paused: Set<TopicPartition> { loop.events.paused.all }

    /// Reads on from `offset`. Records handed over after this returns come from there, except those of the batch that
    /// is being gathered at this moment. Blocks, up to the timeout: for the delegate's methods.
    package func seek(
        _ partition: TopicPartition, to offset: StartOffset, timeout: Duration = .seconds(5)
    ) throws(KafkaError) {
        let operation = "seek"
        let list = PartitionList([partition: offset.number])
        try loop.handle.withClient(operation) { client throws(KafkaError) in
            if let error = rd_kafka_seek_partitions(client, list.pointer, max(1, timeout.milliseconds)) {
                throw KafkaError(consuming: error, operation: operation)
            }
        }
        try list.pointer.throwFirst(operation)
    }

    /// As the other, without blocking the caller's thread.
    package func seek(
        _ partition: TopicPartition, to offset: StartOffset, timeout: Duration = .seconds(5)
    ) async throws(KafkaError) {
        try await blockingCalls.run { [self] () throws(KafkaError) in
            try seek(partition, to: offset, timeout: timeout)
        }
    }

    /// The offset after the last record handed over since the assignment; nil before the first. The records of the
    /// batch that is being gathered count as handed over.
    package func position(of partition: TopicPartition) throws(KafkaError) -> Int64? {
        let operation = "tell a position"
        let list = PartitionList([partition])
        try loop.handle.withClient(operation) { client throws(KafkaError) in
            try check(rd_kafka_position(client, list.pointer), operation)
        }
        return try list.pointer.offsets(operation: operation)[partition]
    }

    /// The watermarks as of the last fetch; nil before the first. Stale while the partition is paused.
    package func watermarks(of partition: TopicPartition) -> Watermarks? {
        var (low, high) = (Int64(-1), Int64(-1))
        let code = try? loop.handle.withClient("tell watermarks") { client throws(KafkaError) in
            rd_kafka_get_watermark_offsets(client, partition.topic, partition.partition, &low, &high)
        }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
        return Watermarks(low: max(0, low), high: high)
    }

    /// The watermarks as the broker tells them.
    package func queryWatermarks(
        of partition: TopicPartition, timeout: Duration = .seconds(10)
    ) async throws(KafkaError) -> Watermarks {
        try await loop.handle.queryWatermarks(of: partition, timeout: timeout, on: blockingCalls)
    }

    /// Records between the position and the cached high watermark; nil as long as either is unknown.
    package func lag(of partition: TopicPartition) -> Int64? {
        guard let high = watermarks(of: partition)?.high,
            let position = try? position(of: partition)
        else { return nil }
        return max(0, high - position)
    }

    /// The group's committed offsets; partitions without one are absent.
    package func committed(
        _ partitions: [TopicPartition], timeout: Duration = .seconds(10)
    ) async throws(KafkaError) -> [TopicPartition: CommittedOffset] {
        guard !partitions.isEmpty else { return [:] }
        let operation = "read committed offsets"
        return try await blockingCalls.run { [self] () throws(KafkaError) in
            let list = PartitionList(partitions)
            try loop.handle.withClient(operation) { client throws(KafkaError) in
                try check(rd_kafka_committed(client, list.pointer, timeout.milliseconds), operation)
            }
            return try list.pointer.committedOffsets(operation: operation)
        }
    }

    /// For each partition the first offset whose timestamp is at or after the given milliseconds since 1970; nil if
    /// there is none.
    package func offsets(
        for times: [TopicPartition: Int64], timeout: Duration = .seconds(10)
    ) async throws(KafkaError) -> [TopicPartition: Int64?] {
        guard !times.isEmpty else { return [:] }
        let operation = "look up offsets by time"
        return try await blockingCalls.run { [self] () throws(KafkaError) in
            let list = PartitionList(times)
            try loop.handle.withClient(operation) { client throws(KafkaError) in
                try check(rd_kafka_offsets_for_times(client, list.pointer, timeout.milliseconds), operation)
            }
            let found = try list.pointer.offsets(operation: operation)
            var offsets: [TopicPartition: Int64?] = [:]
            for partition in times.keys { offsets.updateValue(found[partition], forKey: partition) }
            return offsets
        }
    }
}
