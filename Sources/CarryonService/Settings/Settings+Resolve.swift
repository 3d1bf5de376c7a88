extension Settings {
    /// Puts together what was set: flags win over the environment, the environment over the file, the file over the
    /// defaults.
    ///
    /// A value is checked wherever it stands, also where another one wins over it.
    ///
    /// - Parameters:
    ///   - arguments: the command line. The settings' flags are taken out of it; all else stays, in its order.
    ///   - environment: the process's environment.
    ///   - readFile: the content of the file at a path.
    /// - Throws: ``SettingsError`` for the first setting that is refused.
    package static func resolve(
        arguments: inout [String], environment: [String: String], readFile: (String) throws -> String
    ) throws(SettingsError) -> Settings {
        let flags = try GivenSetting.taken(fromFlags: &arguments)
        let variables = try GivenSetting.inEnvironment(environment)
        let direct = variables + flags
        var file: [GivenSetting] = []
        if let configuration = direct.last(where: { $0.name == "config" }), !configuration.text.isEmpty {
            let yaml = try contents(configuration.text, for: configuration, readFile)
            file = try GivenSetting.inFile(yaml, path: configuration.text)
        }
        var settings = Settings()
        for given in file + direct {
            try settings.apply(given, readFile)
        }
        for kind in TopicKind.allCases where settings.sources[kind.settingName] == nil {
            settings[keyPath: kind.keyPath] = kind.defaultName(prefix: settings.topicPrefix)
        }
        try settings.checkTogether()
        return settings
    }

    private mutating func apply(
        _ given: GivenSetting, _ readFile: (String) throws -> String
    ) throws(SettingsError) {
        let text = given.isPath ? try Self.contents(given.text, for: given, readFile).trimmed : given.text
        do {
            switch given.target {
            case .setting(let setting):
                guard try setting.assign(text, &self) else {
                    throw Refusal(reason: "\(Self.shown(text, of: given)); it accepts \(setting.accepts)")
                }
            case .property(let property):
                try property.check(text)
                kafka[property.name] = text
            }
        } catch let refusal as Refusal {
            throw given.refused(.malformedValue, refusal.reason)
        } catch {
            throw given.refused(.malformedValue, "cannot be read")
        }
        sources[given.name] = given.origin
    }

    /// What is said of a value that is not accepted. A secret is not repeated, nor an address, which may hold a
    /// password.
    private static func shown(_ text: String, of given: GivenSetting) -> String {
        given.isSecret || text.contains("://") ? "is malformed" : "is \"\(text)\""
    }

    private static func contents(
        _ path: String, for given: GivenSetting, _ readFile: (String) throws -> String
    ) throws(SettingsError) -> String {
        do {
            return try readFile(path)
        } catch {
            throw given.refused(.unreadableFile, "names the file \(path), which cannot be read: \(error.systemReason)")
        }
    }

    /// The rules that tie settings to each other.
    private func checkTogether() throws(SettingsError) {
        for (name, place) in [("kill-at", killAt), ("stall-at", stallAt)] where place != nil && !faultInjection {
            throw conflict(name, "needs fault injection, which is off; it accepts a value beside --fault-injection")
        }
        var names: [String: TopicKind] = [:]
        for kind in TopicKind.allCases {
            guard let other = names.updateValue(kind, forKey: topic(kind)) else { continue }
            let changed = sources[kind.settingName] == nil ? other : kind
            throw conflict(
                changed.settingName, "names a topic that has another use already; it accepts a name of its own")
        }
    }

    private func conflict(_ name: String, _ message: String) -> SettingsError {
        SettingsError(
            code: .notAllowed, setting: Setting.variable(for: name), origin: sources[name] ?? "default",
            message: message)
    }
}
