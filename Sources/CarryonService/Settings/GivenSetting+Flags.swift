extension GivenSetting {
    /// Takes the flags that are settings out of `arguments`, in their order, and leaves everything else as it was.
    ///
    /// `--name value` and `--name=value`; a switch may stand alone and takes the next argument only if that is one of
    /// its values. Nothing behind `--` is looked at.
    static func taken(fromFlags arguments: inout [String]) throws(SettingsError) -> [GivenSetting] {
        var given: [GivenSetting] = []
        var rest: [String] = []
        var remaining = arguments[...]
        while let argument = remaining.popFirst() {
            if argument == "--" {
                rest.append(argument)
                rest += remaining
                break
            }
            guard let flag = try Flag(argument) else {
                rest.append(argument)
                continue
            }
            let text = try flag.value(from: &remaining)
            given.append(
                GivenSetting(
                    target: flag.target, text: text, isPath: flag.isPath, writtenAs: flag.writtenAs, origin: "flag"))
        }
        arguments = rest
        return given
    }
}

/// An argument that is a setting's flag, apart from a value that may follow it.
private struct Flag {
    var target: GivenSetting.Target
    var isPath: Bool
    var writtenAs: String
    /// What stood behind `=`.
    var attached: String?

    /// `nil` for whatever is not a setting's flag.
    init?(_ argument: String) throws(SettingsError) {
        guard argument.hasPrefix("--") else { return nil }
        let body = argument.dropFirst(2)
        let name = String(body.prefix { $0 != "=" })
        writtenAs = "--\(name)"
        guard let found = GivenSetting.Target.named(name) else {
            guard name.hasPrefix(KafkaProperty.prefix) else { return nil }
            throw SettingsError(
                code: .unknownSetting, setting: writtenAs, origin: "flag",
                message: "names no property; it accepts --kafka-NAME VALUE with a property of librdkafka")
        }
        (target, isPath) = found
        attached = name.count < body.count ? String(body.dropFirst(name.count + 1)) : nil
    }

    func value(from remaining: inout ArraySlice<String>) throws(SettingsError) -> String {
        if let attached { return attached }
        if case .setting(let setting) = target, setting.isSwitch {
            guard let next = remaining.first, ["0", "1", "true", "false"].contains(next) else { return "1" }
            remaining.removeFirst()
            return next
        }
        guard let next = remaining.first, !next.hasPrefix("--") else {
            throw SettingsError(
                code: .missingValue, setting: writtenAs, origin: "flag",
                message: "has no value; it accepts \(accepts)")
        }
        remaining.removeFirst()
        return next
    }

    private var accepts: String {
        switch target {
        case _ where isPath: "the path of a file that holds the value"
        case .setting(let setting): setting.accepts
        case .property(let property): "a value of librdkafka's \(property.name)"
        }
    }
}
