/// What one poll of a consumer brought.
enum PolledMessage {
    case record(KafkaRecord)
    case end(TopicPartition, offset: Int64)
    /// The partition is nil where the error is not about one.
    case failed(KafkaError, TopicPartition?)
}
