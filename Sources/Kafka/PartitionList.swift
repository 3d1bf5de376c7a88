internal import CRdkafka

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The one owner of an `rd_kafka_topic_partition_list_t`.
struct PartitionList: ~Copyable {
    let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

    init(capacity: Int = 8) {
        pointer = rd_kafka_topic_partition_list_new(Int32(clamping: capacity))
    }

    /// Takes over a list that librdkafka gave away.
    init(adopting pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
        self.pointer = pointer
    }

    init(_ partitions: some Collection<TopicPartition>) {
        self.init(capacity: partitions.count)
        for partition in partitions { add(partition) }
    }

    init(_ offsets: [TopicPartition: Int64]) {
        self.init(capacity: offsets.count)
        for (partition, offset) in offsets { add(partition, offset: offset) }
    }

    init(_ offsets: [TopicPartition: CommittedOffset]) {
        self.init(capacity: offsets.count)
        for (partition, committed) in offsets {
            add(partition, offset: committed.offset, metadata: committed.metadata)
        }
    }

    deinit {
        rd_kafka_topic_partition_list_destroy(pointer)
    }

    func add(_ partition: TopicPartition, offset: Int64? = nil, metadata: String? = nil) {
        guard let element = rd_kafka_topic_partition_list_add(pointer, partition.topic, partition.partition) else {
            return
        }
        if let offset { element.pointee.offset = offset }
        if let metadata, !metadata.isEmpty {
            // The list frees it with free().
            element.pointee.metadata = UnsafeMutableRawPointer(strdup(metadata))
            element.pointee.metadata_size = metadata.utf8.count
        }
    }
}

extension UnsafeMutablePointer<rd_kafka_topic_partition_list_t> {
    var elements: UnsafeMutableBufferPointer<rd_kafka_topic_partition_t> {
        UnsafeMutableBufferPointer(start: pointee.elems, count: Int(pointee.cnt))
    }

    var topicPartitions: [TopicPartition] { elements.map(\.topicPartition) }

    /// What each partition's element of a reply says went wrong.
    func failures(operation: String) -> [TopicPartition: KafkaError?] {
        var failures: [TopicPartition: KafkaError?] = [:]
        for element in elements {
            let error = element.err == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : KafkaError(element.err, operation: operation)
            failures.updateValue(error, forKey: element.topicPartition)
        }
        return failures
    }

    /// Throws the first partition's error.
    func throwFirst(_ operation: String) throws(KafkaError) {
        for element in elements where element.err != RD_KAFKA_RESP_ERR_NO_ERROR {
            throw KafkaError(
                element.err, operation: operation,
                reason: "\(element.topicPartition): \(String(cString: rd_kafka_err2str(element.err)))")
        }
    }

    /// The offsets of a reply, without those that are unset; throws the first partition's error.
    func offsets(operation: String) throws(KafkaError) -> [TopicPartition: Int64] {
        var offsets: [TopicPartition: Int64] = [:]
        for element in elements {
            if element.err != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(element.err, operation: operation) }
            if element.offset >= 0 { offsets[element.topicPartition] = element.offset }
        }
        return offsets
    }

    /// The committed offsets of a reply, without the partitions that have none; throws the first partition's error.
    func committedOffsets(operation: String) throws(KafkaError) -> [TopicPartition: CommittedOffset] {
        var offsets: [TopicPartition: CommittedOffset] = [:]
        for element in elements {
            if element.err != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(element.err, operation: operation) }
            guard element.offset >= 0 else { continue }
            offsets[element.topicPartition] = CommittedOffset(offset: element.offset, metadata: element.metadataText)
        }
        return offsets
    }
}

extension rd_kafka_topic_partition_t {
    var topicPartition: TopicPartition {
        TopicPartition(topic: topic.map { String(cString: $0) } ?? "", partition: partition)
    }

    var metadataText: String? {
        guard let metadata, metadata_size > 0 else { return nil }
        return String(decoding: UnsafeRawBufferPointer(start: metadata, count: metadata_size), as: UTF8.self)
    }
}
