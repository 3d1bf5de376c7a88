/// One setting: its names, what it is, and how it is written.
package struct Setting: Sendable {
    /// The name in kebab case, as in a file: `group-id`.
    package let name: String
    package let documentation: String
    /// What its value may be, to be read after "accepts".
    package let accepts: String
    /// Whether its value is hidden.
    package let isSecret: Bool
    /// Whether a part of its value is hidden: a password in a URL.
    let mayHoldPassword: Bool
    /// What the help says of its default, where the default differs from machine to machine.
    let defaultDescription: String?
    let isSwitch: Bool
    let isList: Bool
    /// Which numbers are accepted, if whole numbers are and nothing else.
    let range: ClosedRange<Int>?
    /// Sets the value; `false`, or a ``Refusal``, for a text that is not accepted.
    let assign: @Sendable (String, inout Settings) throws -> Bool
    /// The value as text that ``assign`` takes back.
    let text: @Sendable (Settings) -> String

    init<Value>(
        _ name: String, _ path: any WritableKeyPath<Settings, Value> & Sendable, _ kind: SettingKind<Value>,
        isSecret: Bool = false, mayHoldPassword: Bool = false, defaultDescription: String? = nil,
        _ documentation: String
    ) {
        self.name = name
        self.documentation = documentation
        self.accepts = kind.accepts
        self.isSecret = isSecret
        self.mayHoldPassword = mayHoldPassword
        self.defaultDescription = defaultDescription
        self.isSwitch = kind.isSwitch
        self.isList = kind.isList
        self.range = kind.range
        self.assign = { text, settings in
            guard let value = try kind.parse(text) else { return false }
            settings[keyPath: path] = value
            return true
        }
        self.text = { kind.text($0[keyPath: path]) }
    }

    /// Whether it may be given as the path of a file that holds it, and is not repeated when it is refused.
    var isGuarded: Bool { isSecret || mayHoldPassword }

    /// What may be shown of its value.
    func shown(_ text: String) -> String {
        if text.isEmpty { return "none" }
        return isSecret ? DatabaseURL.hidden : mayHoldPassword ? DatabaseURL.hidingPasswords(in: text) : text
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
