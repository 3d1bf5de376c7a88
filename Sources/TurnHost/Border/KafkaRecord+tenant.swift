package import Kafka

extension KafkaRecord {
    /// On whose behalf the request was sent, if its producer said so: the header `tenant`, of 1 to 256 bytes of UTF-8.
    /// Anything else counts as none.
    package var tenant: String? {
        headerString("tenant").flatMap { (1...256).contains($0.utf8.count) ? $0 : nil }
    }
}
