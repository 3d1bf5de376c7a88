/// A setting in force, fit to be shown.
package struct DescribedSetting: Sendable, Hashable {
    /// The environment variable; of an agent's file, `agent.KEY`.
    package let name: String
    /// `••••` for a secret and for a password within it, `none` where nothing is set.
    package let value: String
    /// `default`, `environment`, `flag`, `FILE:LINE`, or an agent's file.
    package let source: String
    package let documentation: String
}

extension Settings {
    /// What is in force, secrets hidden: the properties of librdkafka by name, then all settings in the table's order.
    package func describe() -> [DescribedSetting] {
        let names = Set(kafka.keys).union([KafkaProperty.bootstrapServers.name]).sorted()
        let properties = names.map { name in
            let property = KafkaProperty(name: name)
            let text = kafka[name] ?? ""
            let shown = text.isEmpty ? "none" : property.isSecret ? DatabaseURL.hidden : text
            return describe(property.settingName, shown, "librdkafka's property \(name)")
        }
        return properties + Setting.all.map { describe($0.name, $0.shown($0.text(self)), $0.documentation) }
    }

    private func describe(_ name: String, _ shown: String, _ documentation: String) -> DescribedSetting {
        DescribedSetting(
            name: Setting.variable(for: name), value: shown, source: sources[name] ?? "default",
            documentation: documentation)
    }
}

extension Settings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// As in ``describe()``: whatever way settings are printed, no secret comes out.
    package var description: String {
        describe().map { "\($0.name)=\($0.value)" }.joined(separator: " ")
    }

    package var debugDescription: String { description }

    package var customMirror: Mirror {
        Mirror(self, children: describe().map { (label: $0.name, value: $0.value) }, displayStyle: .struct)
    }
}
