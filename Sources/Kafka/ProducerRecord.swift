/// A record to be written.
package struct ProducerRecord: Sendable, Hashable {
    package var topic: String
    /// Nil leaves the choice to the partitioner: by key where there is one, otherwise any.
    package var partition: Int32?
    package var key: [UInt8]?
    /// Nil writes a tombstone.
    package var value: [UInt8]?
    package var headers: [KafkaHeader]

    package init(
        topic: String, partition: Int32? = nil, key: [UInt8]? = nil, value: [UInt8]?, headers: [KafkaHeader] = []
    ) {
        self.topic = topic
        self.partition = partition
        self.key = key
        self.value = value
        self.headers = headers
    }

    package init(
        topic: String, partition: Int32? = nil, key: String?, value: String?, headers: [KafkaHeader] = []
    ) {
        self.init(
            topic: topic, partition: partition, key: key.map { Array($0.utf8) }, value: value.map { Array($0.utf8) },
            headers: headers)
    }

    /// What the record counts for in the producer's bounds: key and value, as librdkafka reports them back.
    var byteCount: Int { (key?.count ?? 0) + (value?.count ?? 0) }
}
