/// One setting: its names, what it is, and how it is written.
package struct Setting: Sendable {
    /// The name in kebab case, as in a file: `group-id`.
    package let name: String
    package let documentation: String
    /// What its value may be, to be read after "accepts".
    package let accepts: String
    /// Whether its value is hidden, and may be given as a file of its own.
    package let isSecret: Bool
    /// What the help says of its default, where the default differs from machine to machine.
    let defaultDescription: String?
    let isSwitch: Bool
    let isList: Bool
    /// Sets the value; `false`, or a ``Refusal``, for a text that is not accepted.
    let assign: @Sendable (String, inout Settings) throws -> Bool
    /// The value as text that ``assign`` takes back.
    let text: @Sendable (Settings) -> String

    init<Value>(
        _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, _ kind: SettingKind<Value>,
        isSecret: Bool = false, defaultDescription: String? = nil, _ documentation: String
    ) {
        self.name = name
        self.documentation = documentation
        self.accepts = kind.accepts
        self.isSecret = isSecret
        self.defaultDescription = defaultDescription
        self.isSwitch = kind.isSwitch
        self.isList = kind.isList
        self.assign = { text, settings in
            guard let value = try kind.parse(text) else { return false }
            settings[keyPath: path] = value
            return true
        }
        self.text = { kind.text($0[keyPath: path]) }
    }

    /// The environment variable: `CARRYON_GROUP_ID`.
    package var variable: String { Self.variable(for: name) }
    /// The flag: `--group-id`.
    package var flag: String { "--\(name)" }

    /// The environment variable of the setting with this name.
    static func variable(for name: String) -> String { variablePrefix + name.shoutingSnakeCase }

    static let variablePrefix = "CARRYON_"
}

extension Setting: CustomStringConvertible {
    package var description: String { name }
}

extension String {
    /// `group-id` as `GROUP_ID`.
    fileprivate var shoutingSnakeCase: String {
        String(uppercased().map { $0 == "-" || $0 == "." ? "_" : $0 })
    }
}
