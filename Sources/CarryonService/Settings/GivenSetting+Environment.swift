extension GivenSetting {
    /// The environment's settings, in the order of their names.
    ///
    /// Every variable with the prefix has to be a setting: a mistyped one would otherwise be silently without effect.
    /// `CARRYON_TEST_*` is left to test runs.
    static func inEnvironment(_ environment: [String: String]) throws(SettingsError) -> [GivenSetting] {
        var given: [GivenSetting] = []
        var variables: [String: String] = [:]
        for (variable, text) in environment.sorted(by: { $0.key < $1.key }) {
            guard variable.hasPrefix(Setting.variablePrefix), !variable.hasPrefix("CARRYON_TEST_") else { continue }
            let name = settingName(ofVariable: variable)
            guard let (target, isPath) = Target.named(name), Setting.variable(for: name) == variable else {
                throw unknown(variable, name: name)
            }
            let setting = GivenSetting(
                target: target, text: text, isPath: isPath, writtenAs: variable, origin: "environment")
            if let other = variables.updateValue(variable, forKey: setting.name) {
                throw setting.refused(.givenTwice, "is set beside \(other); it accepts one of the two")
            }
            given.append(setting)
        }
        return given
    }

    private static func settingName(ofVariable variable: String) -> String {
        String(variable.dropFirst(Setting.variablePrefix.count).lowercased().map { $0 == "_" ? "-" : $0 })
    }

    private static func unknown(_ variable: String, name: String) -> SettingsError {
        let nearest = nearestSettingName(to: name).map { " (did you mean \(Setting.variable(for: $0))?)" }
        return SettingsError(
            code: .unknownSetting, setting: variable, origin: "environment",
            message: "is not a setting\(nearest ?? "; the help lists them")")
    }
}
