internal import CRdkafka

/// Properties of a librdkafka client by name. Any that librdkafka knows is accepted; a wrong name or value is refused
/// by the initialiser of the client, in librdkafka's own words.
package struct KafkaProperties: Sendable, Hashable, ExpressibleByDictionaryLiteral, CustomStringConvertible {
    private var values: [String: String] = [:]

    package init() {}

    /// The first value of a repeated name wins.
    package init(dictionaryLiteral elements: (String, String)...) {
        values = Dictionary(elements, uniquingKeysWith: { first, _ in first })
    }

    package init(_ values: [String: String]) {
        self.values = values
    }

    package subscript(name: String) -> String? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// The names that have a value, sorted.
    package var names: [String] { values.keys.sorted() }

    /// These properties with those of `others` added; where both have a name, `others` wins.
    package func merging(_ others: KafkaProperties) -> KafkaProperties {
        KafkaProperties(values.merging(others.values) { _, other in other })
    }

    /// Names and values, secrets hidden.
    package var description: String {
        names.map { "\($0)=\(Self.isSecret($0) ? "***" : values[$0] ?? "")" }.joined(separator: " ")
    }

    /// Whether a property's value must not be shown.
    package static func isSecret(_ name: String) -> Bool {
        let parts = ["password", "secret", "pem", "jaas", "oauthbearer.config", "username"]
        return parts.contains { name.contains($0) }
    }

    /// A configuration object with all properties set. The caller owns it until it is handed to `rd_kafka_new`.
    func makeConfiguration(operation: String) throws(KafkaError) -> OpaquePointer {
        guard let configuration = rd_kafka_conf_new() else {
            throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, operation: operation)
        }
        for name in names {
            guard let value = values[name] else { continue }
            var reason = [CChar](repeating: 0, count: 512)
            let result = rd_kafka_conf_set(configuration, name, value, &reason, reason.count)
            if result != RD_KAFKA_CONF_OK {
                rd_kafka_conf_destroy(configuration)
                throw KafkaError(
                    RD_KAFKA_RESP_ERR__INVALID_ARG, operation: operation,
                    reason: "property \(name): \(String(nulTerminated: reason))")
            }
        }
        return configuration
    }
}
