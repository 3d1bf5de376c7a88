import Yams

extension GivenSetting {
    /// The settings of a YAML file, in the file's order.
    ///
    /// Maps inside of maps are only another way to write a name: `group: {id: a}` is `group-id: a`.
    static func inFile(_ yaml: String, path: String) throws(SettingsError) -> [GivenSetting] {
        var reader = SettingsFileReader(path: path)
        guard let root = try reader.root(of: yaml) else { return [] }
        try reader.read(root, under: nil)
        return reader.given
    }
}

private struct SettingsFileReader {
    let path: String
    var given: [GivenSetting] = []
    private var lines: [String: Int] = [:]

    init(path: String) { self.path = path }

    /// `nil` for a file without content.
    func root(of yaml: String) throws(SettingsError) -> Node? {
        do {
            return try compose(yaml: yaml)
        } catch {
            // The parser's own description quotes the file, which may hold a secret.
            let (problem, line) = Self.problem(error)
            throw SettingsError(
                code: .malformedFile, setting: path, origin: line.map { "\(path):\($0)" } ?? path,
                message: "is not YAML: \(problem)")
        }
    }

    mutating func read(_ node: Node, under prefix: String?) throws(SettingsError) {
        guard let mapping = node.mapping else {
            throw refused(
                .malformedFile, prefix ?? path, at: node, "accepts a map of settings, such as \"group-id: carryon\"")
        }
        for (keyNode, value) in mapping {
            guard let key = keyNode.scalar?.string else {
                throw refused(.malformedFile, prefix ?? path, at: keyNode, "has a key that is not a name")
            }
            let name = prefix.map { "\($0)-\(key)" } ?? key
            if value.mapping != nil, Self.isGroup(name) {
                try read(value, under: name)
            } else {
                try add(name, keyNode, value)
            }
        }
    }

    private mutating func add(_ name: String, _ keyNode: Node, _ value: Node) throws(SettingsError) {
        // A file that names another file would leave open which of the two wins.
        guard name != "config", let (target, isPath) = GivenSetting.Target.named(name) else {
            let nearest = nearestSettingName(to: name).map { " (did you mean \($0)?)" }
            throw refused(.unknownSetting, name, at: keyNode, "is not a setting\(nearest ?? "; the help lists them")")
        }
        let setting = GivenSetting(
            target: target, text: try text(of: value, for: target, name: name), isPath: isPath, writtenAs: name,
            origin: origin(of: keyNode))
        if let line = lines.updateValue(keyNode.mark?.line ?? 0, forKey: setting.name) {
            throw setting.refused(.givenTwice, "is already set in line \(line); it accepts one of the two")
        }
        given.append(setting)
    }

    private func text(
        of node: Node, for target: GivenSetting.Target, name: String
    ) throws(SettingsError) -> String {
        let (takesList, accepts) =
            switch target {
            case .setting(let setting): (setting.isList, setting.accepts)
            case .property: (true, "a text or a list of texts")
            }
        if let scalar = node.scalar { return Self.text(of: scalar) }
        if takesList, let items = node.sequence {
            let texts = items.compactMap { $0.scalar.map(Self.text(of:)) }
            if texts.count == items.count { return texts.joined(separator: ",") }
        }
        throw refused(.malformedValue, name, at: node, "is not a single value; it accepts \(accepts)")
    }

    /// The text as it stands, so that a number or a truth value keeps the spelling that the setting itself judges.
    private static func text(of scalar: Node.Scalar) -> String {
        let isNothing = scalar.style == .plain && ["~", "null", "Null", "NULL"].contains(scalar.string)
        return isNothing ? "" : scalar.string
    }

    /// Whether settings' names begin with this one.
    private static func isGroup(_ name: String) -> Bool {
        "\(name)-".hasPrefix(KafkaProperty.prefix) || Setting.all.contains { $0.name.hasPrefix("\(name)-") }
    }

    private func origin(of node: Node) -> String { node.mark.map { "\(path):\($0.line)" } ?? path }

    private func refused(
        _ code: SettingsError.Code, _ name: String, at node: Node, _ message: String
    ) -> SettingsError {
        SettingsError(code: code, setting: name, origin: origin(of: node), message: message)
    }

    private static func problem(_ error: any Error) -> (String, line: Int?) {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            (problem, mark.line)
        case .duplicatedKeysInMapping(let duplicates, let context):
            ("\(duplicates.joined(separator: ", ")) is given twice", context.mark.line)
        case .reader(let problem, _, _, _): (problem, nil)
        default: ("it cannot be read", nil)
        }
    }
}
