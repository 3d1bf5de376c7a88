/// A setting's value as it was given somewhere, before it is understood.
struct GivenSetting: Sendable {
    enum Target: Sendable {
        case setting(Setting)
        case property(KafkaProperty)
    }

    var target: Target
    var text: String
    /// Whether `text` is the path of a file that holds the value.
    var isPath: Bool
    /// The name as it was written: `CARRYON_HOSTS`, `--hosts` or `hosts`.
    var writtenAs: String
    /// `environment`, `flag` or `FILE:LINE`.
    var origin: String

    /// The name of the setting in kebab case, whatever form it was given in.
    var name: String {
        switch target {
        case .setting(let setting): setting.name
        case .property(let property): property.settingName
        }
    }

    /// Whether its text is not to be repeated.
    var isSecret: Bool {
        switch target {
        case .setting(let setting): setting.isSecret || (setting.mayHoldPassword && isPath)
        case .property(let property): property.isSecret
        }
    }

    func refused(_ code: SettingsError.Code, _ message: String) -> SettingsError {
        SettingsError(code: code, setting: writtenAs, origin: origin, message: message)
    }
}

extension GivenSetting.Target {
    /// What a name in kebab case stands for, and whether it is the form that names a file; `nil` for an unknown name.
    static func named(_ name: String) -> (target: Self, isPath: Bool)? {
        if let setting = Setting.byName[name] { return (.setting(setting), false) }
        let stem = name.hasSuffix("-file") ? String(name.dropLast("-file".count)) : nil
        if let stem, let setting = Setting.byName[stem], setting.isGuarded { return (.setting(setting), true) }
        // No property of librdkafka ends in ".file", so that the ending is free to mean a file with the value.
        return KafkaProperty(settingName: stem ?? name).map { (.property($0), stem != nil) }
    }
}

/// The known name that a mistyped one probably stands for.
func nearestSettingName(to name: String) -> String? {
    let distances = Setting.all.map { ($0.name, editDistance(Array(name.utf8), Array($0.name.utf8))) }
    guard let (nearest, distance) = distances.min(by: { $0.1 < $1.1 }), distance <= max(2, name.utf8.count / 4) else {
        return nil
    }
    return nearest
}

/// Levenshtein's distance, one row at a time.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (index, byte) in left.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for column in right.indices {
            let substituted = diagonal + (byte == right[column] ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(substituted, diagonal + 1, row[column] + 1)
        }
    }
    return row[right.count]
}
