/// A property of librdkafka, given as `CARRYON_KAFKA_SECURITY_PROTOCOL`, `--kafka-security-protocol` or in the file's
/// `kafka` map.
struct KafkaProperty: Hashable, Sendable {
    /// librdkafka's name for it: `security.protocol`.
    let name: String

    static let prefix = "kafka-"
    static let bootstrapServers = KafkaProperty(name: "bootstrap.servers")

    init(name: String) { self.name = name }

    /// The property that a setting of this name stands for; `nil` for a name without the prefix, or nothing but it.
    init?(settingName: some StringProtocol) {
        let rest = settingName.dropFirst(Self.prefix.count)
        guard settingName.hasPrefix(Self.prefix), !rest.isEmpty else { return nil }
        name = String(rest.lowercased().map { $0 == "-" || $0 == "_" ? "." : $0 })
    }

    /// `kafka-security-protocol`.
    var settingName: String { Self.prefix + String(name.map { $0 == "." ? "-" : $0 }) }

    /// Whether its value is never shown.
    var isSecret: Bool {
        [
            "password", "secret", "token", "ssl.key.pem", "sasl.jaas", "sasl.oauthbearer.config",
            "sasl.kerberos.kinit.cmd",
        ]
        .contains { name.contains($0) }
    }

    /// Throws a ``Refusal`` where a value would take from the service what its guarantees rest on.
    func check(_ value: String) throws {
        switch name {
        case "group.id":
            throw Refusal(reason: "is set by CARRYON_GROUP_ID")
        case "enable.auto.commit" where value != "false", "enable.auto.offset.store" where value != "false":
            throw Refusal(
                reason: "accepts only false: an offset is committed when its request is settled, never before")
        default:
            return
        }
    }
}
