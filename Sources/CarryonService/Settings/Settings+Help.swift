extension Settings {
    /// Every setting with its flag, variable, values and default, for the command line's help.
    package static var helpText: String {
        let defaults = Settings()
        let entries = Setting.all.map { setting in
            let text = setting.text(defaults)
            let usual = setting.defaultDescription ?? (text.isEmpty ? "none" : text)
            let file = setting.isGuarded ? "; or the path of a file with it: \(setting.flag)-file" : ""
            return """
                  \(setting.flag) (\(setting.variable))
                      \(setting.documentation)
                      accepts \(setting.accepts)\(file); default: \(usual)
                """
        }
        return """
            SETTINGS
              Each is a flag, an environment variable or, by its name, a key of the YAML file that --config names.
              Flags win over the environment, the environment over the file.

              --kafka-PROPERTY (CARRYON_KAFKA_PROPERTY)
                  any property of librdkafka, such as --kafka-bootstrap-servers or CARRYON_KAFKA_SECURITY_PROTOCOL;
                  with -file (_FILE) at its end, the path of a file that holds the value

            \(entries.joined(separator: "\n"))

            """
    }
}
