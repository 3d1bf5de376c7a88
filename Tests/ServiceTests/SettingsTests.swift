import CarryonService
import Testing
import TurnHost

/// Resolves settings from texts, without a process around them.
func resolveSettings(
    _ arguments: [String] = [], environment: [String: String] = [:], files: [String: String] = [:]
) throws -> Settings {
    var arguments = arguments
    return try resolveSettings(taking: &arguments, environment: environment, files: files)
}

func resolveSettings(
    taking arguments: inout [String], environment: [String: String] = [:], files: [String: String] = [:]
) throws -> Settings {
    struct NoSuchFile: Error {}
    return try Settings.resolve(arguments: &arguments, environment: environment) { path in
        guard let content = files[path] else { throw NoSuchFile() }
        return content
    }
}

/// The error of settings that have to be refused.
func settingsRefusal(
    _ arguments: [String] = [], environment: [String: String] = [:], files: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
) throws -> SettingsError {
    let error = #expect(throws: SettingsError.self, sourceLocation: sourceLocation) {
        try resolveSettings(arguments, environment: environment, files: files)
    }
    return try #require(error, sourceLocation: sourceLocation)
}

@Suite("Settings: where values come from")
struct SettingsPrecedenceTests {
    @Test("With nothing set, the documented defaults are in force")
    func defaults() throws {
        let settings = try resolveSettings()
        #expect(settings == Settings())
        #expect(settings.groupID == "carryon")
        #expect(settings.requestsTopic == "chat.requests")
        #expect(settings.eventsTopic == "chat.events")
        #expect(settings.deadLettersTopic == "chat.dead-letters")
        #expect(settings.store == .sqlite(path: ".carryon/sessions.sqlite"))
        #expect(settings.model == .scripted)
        #expect(settings.hosts >= 1)
        #expect(settings.adminAddress == ListenAddress(host: "127.0.0.1", port: 9464))
        #expect(settings.gatewayAddress == ListenAddress(host: "127.0.0.1", port: 8080))
        #expect(settings.kafka.isEmpty && settings.region == nil && settings.killAt == nil)
        #expect(settings.describe().allSatisfy { $0.source == "default" })
    }

    @Test("Flags win over the environment, the environment over the file, the file over the default")
    func precedence() throws {
        let file = ["c.yaml": "group-id: of-file\nregion: of-file\nagent: of-file\n"]
        let environment = ["CARRYON_CONFIG": "c.yaml", "CARRYON_GROUP_ID": "of-env", "CARRYON_REGION": "of-env"]
        let settings = try resolveSettings(["--group-id", "of-flag"], environment: environment, files: file)
        #expect(settings.groupID == "of-flag")
        #expect(settings.region == "of-env")
        #expect(settings.agent == "of-file")
        #expect(settings.topicPrefix == "chat")
        let sources = Dictionary(uniqueKeysWithValues: settings.describe().map { ($0.name, $0.source) })
        #expect(sources["CARRYON_GROUP_ID"] == "flag")
        #expect(sources["CARRYON_REGION"] == "environment")
        #expect(sources["CARRYON_AGENT"] == "c.yaml:3")
        #expect(sources["CARRYON_TOPIC_PREFIX"] == "default")
    }

    @Test("The configuration file of the flag is read instead of the environment's")
    func configurationFlag() throws {
        let settings = try resolveSettings(
            ["--config=b.yaml"], environment: ["CARRYON_CONFIG": "a.yaml"],
            files: ["a.yaml": "group-id: a", "b.yaml": "group-id: b"])
        #expect(settings.groupID == "b")
    }

    @Test("librdkafka's properties come from variables, flags and the file's map, each over the one before")
    func kafkaProperties() throws {
        let yaml = """
            kafka:
              bootstrap-servers: [one:1, two:2]
              security.protocol: SASL_SSL
              sasl: {mechanisms: PLAIN}
              enable.idempotence: true
              client-id: of-file
            """
        let settings = try resolveSettings(
            ["--config", "c.yaml", "--kafka-client-id=of-flag"],
            environment: ["CARRYON_KAFKA_SESSION_TIMEOUT_MS": "6000", "CARRYON_KAFKA_CLIENT_ID": "of-env"],
            files: ["c.yaml": yaml])
        #expect(
            settings.kafka == [
                "bootstrap.servers": "one:1,two:2", "security.protocol": "SASL_SSL", "sasl.mechanisms": "PLAIN",
                "enable.idempotence": "true", "client.id": "of-flag", "session.timeout.ms": "6000",
            ])
    }

    @Test(
        "Every setting can be given as a flag, as a variable and in a file, to the same effect", arguments: Setting.all)
    func everyForm(setting: Setting) throws {
        guard setting.name != "config" else { return }
        let text = try #require(Self.samples[setting.name], "\(setting.name) has no sample")
        let extra = ["kill-at", "stall-at"].contains(setting.name) ? ["--fault-injection"] : []
        let byFlag = try resolveSettings([setting.flag, text] + extra)
        let byVariable = try resolveSettings(extra, environment: [setting.variable: text])
        let byFile = try resolveSettings(
            extra, environment: ["CARRYON_CONFIG": "f"], files: ["f": "\(setting.name): \"\(text)\"\n"])
        let shown = try [byFlag, byVariable, byFile].map { settings in
            try #require(settings.describe().first { $0.name == setting.variable })
        }
        #expect(Set(shown.map(\.value)).count == 1)
        #expect(shown.map(\.source) == ["flag", "environment", "f:1"])
        let usual = Settings().describe().first { $0.name == setting.variable }?.value
        #expect(shown[0].value != usual)
    }

    /// A value of every setting that is not its default.
    static let samples = [
        "group-id": "group", "topic-prefix": "talk", "requests-topic": "in", "events-topic": "out",
        "dead-letters-topic": "dead", "store": "sqlite:/var/lib/s.sqlite", "store-connections": "8", "hosts": "0",
        "model": "openai:gpt", "model-url": "http://127.0.0.1:1/v1", "model-key": "sk", "model-continue": "instruct",
        "model-max-tokens": "100", "model-connect-timeout": "3s", "model-first-token-timeout": "2m",
        "model-idle-timeout": "1.5s",
        "model-interval": "5ms", "agent": "agent.yaml", "partitions": "3", "log-identity": "first",
        "region": "eu-north-1", "admin-address": "0.0.0.0:0",
        "gateway-address": "[::1]:81", "admin-key": "key", "api-keys": "one,two", "jwt-key": "key",
        "gateway-page": "true",
        "cors-origins": "https://a.example,https://b.example", "gateway-rate-limit": "50",
        "gateway-max-connections": "100", "tls-certificate": "chain.pem", "tls-key": "key.pem",
        "workers": "127.0.0.1:9464,worker.example:1", "otlp-endpoint": "http://collector.example:4318",
        "otlp-headers": "a=b", "trace-sample-percent": "10", "trace-message-texts": "true", "metrics": "false",
        "metrics-conversation-id": "true", "concurrency": "7",
        "max-in-flight": "8", "max-in-flight-per-session": "16", "max-in-flight-bytes": "2MiB",
        "max-uncommitted-span": "9", "flush-window": "0",
        "drain-timeout": "1.5s", "revoke-timeout": "2m", "host-memory-limit": "512MB", "session-cache-bytes": "0",
        "turn-timeout": "0", "host-timeout": "3s", "head-age-limit": "5m", "max-request-bytes": "2048",
        "crash-attempts": "1", "out-of-memory-attempts": "1", "out-of-memory-topic": "big",
        "recovery-policy": "settle", "log-level": "debug", "log-format": "json", "fault-injection": "true",
        "kill-at": "worker:in-settle:3", "stall-at": "host:mid-stream:1",
    ]

    @Test("Only the settings' own flags are taken from the command line")
    func otherArguments() throws {
        var arguments = [
            "carryon", "send", "--json", "--hosts", "3", "s1", "--key=value", "--fault-injection", "--follow",
            "--kafka-client.id", "x", "--", "--group-id", "kept",
        ]
        let settings = try resolveSettings(taking: &arguments)
        #expect(
            arguments == ["carryon", "send", "--json", "s1", "--key=value", "--follow", "--", "--group-id", "kept"])
        #expect(settings.hosts == 3)
        #expect(settings.faultInjection)
        #expect(settings.kafka == ["client.id": "x"])
        #expect(settings.groupID == "carryon")
    }

    @Test("A switch takes the next argument only if that is its value")
    func switches() throws {
        var arguments = ["--fault-injection", "0", "work"]
        #expect(try resolveSettings(taking: &arguments).faultInjection == false)
        #expect(arguments == ["work"])
        arguments = ["--fault-injection", "work"]
        #expect(try resolveSettings(taking: &arguments).faultInjection)
        #expect(arguments == ["work"])
    }

    @Test("The topics follow the prefix, except where they are named")
    func topics() throws {
        let settings = try resolveSettings(["--topic-prefix", "talk", "--events-topic", "answers"])
        #expect(settings.topic(.requests) == "talk.requests")
        #expect(settings.topic(.events) == "answers")
        #expect(settings.topic(.deadLetters) == "talk.dead-letters")
    }

    @Test(
        "A region is trimmed and lowered, and nothing if it is empty",
        arguments: [" EU-North-1 ": "eu-north-1", "  ": nil])
    func region(text: String, expected: String?) throws {
        #expect(try resolveSettings(environment: ["CARRYON_REGION": text]).region == expected)
    }

    @Test("Nested maps are another way to write a name, and a null is nothing")
    func nestedMaps() throws {
        let yaml = "group: {id: nested}\nadmin: {address: 'h:1'}\nregion: null\nagent: ~\napi-keys: [a, b]\nhosts: 2\n"
        let settings = try resolveSettings(["--config", "f"], files: ["f": yaml])
        #expect(settings.groupID == "nested")
        #expect(settings.adminAddress == ListenAddress(host: "h", port: 1))
        #expect(settings.apiKeys == ["a", "b"])
        #expect(settings.region == nil && settings.agent == nil && settings.hosts == 2)
    }

    @Test("An empty configuration file sets nothing")
    func emptyFile() throws {
        #expect(try resolveSettings(["--config", "f"], files: ["f": "# nothing\n"]).groupID == "carryon")
    }

    @Test("Variables of tests and of other programs are left alone")
    func foreignVariables() throws {
        let environment = ["CARRYON_TEST_BROKER": "x", "PATH": "/bin", "carryon_group_id": "x"]
        #expect(try resolveSettings(environment: environment) == Settings())
    }

    @Test("An order to kill is read in all its forms")
    func killAt() throws {
        let forms = [
            "mid-stream": KillAt(step: .midStream), "host:in-settle": KillAt(step: .inSettle),
            "worker:before-commit:3": KillAt(process: .worker, step: .beforeCommit, times: 3),
            "after-settle:2": KillAt(step: .afterSettle, times: 2), ":mid-stream": KillAt(step: .midStream),
        ]
        for (text, expected) in forms {
            #expect(try resolveSettings(["--fault-injection", "--kill-at", text]).killAt == expected)
        }
    }
}

@Suite("Settings: what is refused")
struct SettingsRefusalTests {
    static let malformed: [(String, String)] = [
        ("group-id", ""), ("topic-prefix", "a b"), ("topic-prefix", ""), ("requests-topic", ".."),
        ("events-topic", "ä"), ("dead-letters-topic", String(repeating: "x", count: 250)), ("store", "sqlite:"),
        ("store", "mysql:x"), ("store", "postgres:x"), ("store-connections", "1"), ("hosts", "-1"), ("hosts", "many"),
        ("hosts", ""),
        ("model", "gpt"), ("model", "openai:"), ("model", "anthropic:a b"), ("model", "openai"),
        ("model-url", "localhost:1"), ("model-url", "http://u:p@h"), ("model-key", "a b"), ("model-continue", "never"),
        ("model-max-tokens", "0"), ("model-connect-timeout", "0"), ("model-first-token-timeout", "soon"),
        ("model-idle-timeout", "0s"), ("model-interval", "5"),
        ("partitions", "0"), ("region", "a,b"), ("region", "a b"), ("admin-address", "9464"),
        ("admin-address", "host:70000"),
        ("gateway-address", "::1:80"), ("gateway-address", ":80"), ("workers", "a:1,b"), ("gateway-page", "maybe"),
        ("cors-origins", "a b"), ("gateway-rate-limit", "-1"), ("gateway-max-connections", "0"),
        ("admin-key", "a b"), ("api-keys", "a b"), ("concurrency", "0"),
        ("max-in-flight", "1.5"), ("max-in-flight-per-session", "15"), ("max-in-flight-bytes", "1"),
        ("max-uncommitted-span", "0"),
        ("flush-window", "20 ms"), ("flush-window", "-1s"), ("drain-timeout", "soon"), ("revoke-timeout", "1.s"),
        ("turn-timeout", "15"), ("host-timeout", "-1s"), ("head-age-limit", "old"), ("host-memory-limit", "1MB"),
        ("session-cache-bytes", "99999999999TiB"), ("max-request-bytes", "1"),
        ("crash-attempts", "0"), ("out-of-memory-attempts", "x"), ("out-of-memory-topic", "a b"),
        ("recovery-policy", "Continue"),
        ("otlp-endpoint", "collector:4318"), ("otlp-headers", "a=b,c"), ("otlp-headers", "=b"),
        ("trace-sample-percent", "101"), ("metrics-conversation-id", "maybe"),
        ("trace-message-texts", "some"), ("metrics", "few"),
        ("log-level", "loud"), ("log-format", "xml"), ("fault-injection", "yes"), ("kill-at", "mid-stream:0"),
        ("kill-at", "gateway:mid-stream"), ("kill-at", "mid-stream:1:1"), ("kill-at", "host"),
        ("stall-at", "host:nowhere"),
    ]

    @Test("A malformed value is refused with its name, its origin and what is accepted", arguments: malformed)
    func malformedValue(name: String, text: String) throws {
        let setting = try #require(Setting.all.first { $0.name == name })
        let byVariable = try settingsRefusal(environment: [setting.variable: text])
        #expect(byVariable.code == .malformedValue)
        #expect(byVariable.description.hasPrefix("\(setting.variable) (environment) "))
        let byFlag = try settingsRefusal(["\(setting.flag)=\(text)"])
        #expect(byFlag.description.hasPrefix("\(setting.flag) (flag) "))
        let byFile = try settingsRefusal(["--config", "f"], files: ["f": "# first line\n\(name): '\(text)'\n"])
        #expect(byFile.description.hasPrefix("\(name) (f:2) "))
        for error in [byVariable, byFlag, byFile] {
            #expect(error.message.contains("accepts \(setting.accepts)"))
        }
    }

    @Test("Every setting that has malformed values has one in the table")
    func malformedTableIsComplete() {
        // These take any text.
        let free = ["config", "agent", "jwt-key", "log-identity", "tls-certificate", "tls-key"]
        let covered = Set(Self.malformed.map(\.0)).union(free)
        #expect(Set(Setting.all.map(\.name)).subtracting(covered).isEmpty)
    }

    @Test("An unknown variable is refused, with the name that was probably meant")
    func unknownVariable() throws {
        let error = try settingsRefusal(environment: ["CARRYON_GROUPID": "x"])
        #expect(error.code == .unknownSetting)
        #expect(error.description == "CARRYON_GROUPID (environment) is not a setting (did you mean CARRYON_GROUP_ID?).")
        #expect(try settingsRefusal(environment: ["CARRYON_NOTHING_LIKE_IT": "x"]).setting == "CARRYON_NOTHING_LIKE_IT")
        #expect(try settingsRefusal(environment: ["CARRYON_KAFKA_": "x"]).code == .unknownSetting)
        #expect(try settingsRefusal(environment: ["CARRYON_group_id": "x"]).code == .unknownSetting)
        #expect(try settingsRefusal(environment: ["CARRYON_HOSTS_FILE": "x"]).code == .unknownSetting)
    }

    @Test(
        "An unknown key of the file is refused with its line",
        arguments: [
            ("group-id: a\nhots: 2\n", "hots (f:2)"), ("store: {path: x}\n", "store-path (f:1)"),
            ("config: g\n", "config (f:1)"), ("group: {\n  name: x}\n", "group-name (f:2)"),
            ("group_id: a\n", "group_id (f:1)"),
        ])
    func unknownKey(yaml: String, prefix: String) throws {
        let error = try settingsRefusal(["--config", "f"], files: ["f": yaml])
        #expect([.unknownSetting, .malformedValue].contains(error.code))
        #expect(error.description.hasPrefix(prefix), "\(error)")
    }

    @Test(
        "A file that is not a map of settings is refused",
        arguments: [
            "- a\n", "text", "group-id: [", "a: 1\na: 2\n", "? [x]\n: y\n", "group-id: [a, b]\n",
            "---\na: 1\n---\nb: 2\n",
        ])
    func malformedFile(yaml: String) throws {
        let error = try settingsRefusal(["--config", "f"], files: ["f": yaml])
        #expect(error.description.contains("f"))
        #expect([.malformedFile, .malformedValue].contains(error.code), "\(error)")
    }

    @Test("A setting given twice in one place is refused")
    func givenTwice() throws {
        let file = try settingsRefusal(["--config", "f"], files: ["f": "group-id: a\ngroup: {id: b}\n"])
        #expect(file.code == .givenTwice && file.origin == "f:2")
        let variables = try settingsRefusal(
            environment: ["CARRYON_API_KEYS": "a", "CARRYON_API_KEYS_FILE": "f"], files: ["f": "b"])
        #expect(variables.code == .givenTwice)
    }

    @Test("A flag without its value is refused", arguments: [["--hosts"], ["--hosts", "--json"], ["--hosts", "--"]])
    func missingValue(arguments: [String]) throws {
        let error = try settingsRefusal(arguments)
        #expect(error.code == .missingValue)
        #expect(error.description.hasPrefix("--hosts (flag) has no value; it accepts a whole number"))
    }

    @Test("A malformed value is refused also where another one wins over it")
    func malformedLoser() throws {
        #expect(try settingsRefusal(["--hosts", "1"], environment: ["CARRYON_HOSTS": "x"]).origin == "environment")
    }

    @Test("Killing at a step needs fault injection")
    func killNeedsFaultInjection() throws {
        let error = try settingsRefusal(["--kill-at", "mid-stream"])
        #expect(error.code == .notAllowed && error.setting == "CARRYON_KILL_AT" && error.origin == "flag")
    }

    @Test("Two uses of one topic are refused")
    func sharedTopic() throws {
        let error = try settingsRefusal(["--events-topic", "chat.requests"])
        #expect(error.code == .notAllowed && error.setting == "CARRYON_EVENTS_TOPIC")
        #expect(try settingsRefusal(["--requests-topic", "chat.events"]).setting == "CARRYON_REQUESTS_TOPIC")
    }

    @Test(
        "A property that would commit ahead of a settlement is refused",
        arguments: [
            "CARRYON_KAFKA_ENABLE_AUTO_COMMIT", "CARRYON_KAFKA_ENABLE_AUTO_OFFSET_STORE", "CARRYON_KAFKA_GROUP_ID",
        ])
    func ownedProperties(variable: String) throws {
        #expect(try settingsRefusal(environment: [variable: "true"]).setting == variable)
    }

    @Test("A file that cannot be read is refused with its path")
    func unreadableFiles() throws {
        let configuration = try settingsRefusal(["--config", "nowhere.yaml"])
        #expect(configuration.code == .unreadableFile && configuration.message.contains("nowhere.yaml"))
        #expect(try settingsRefusal(environment: ["CARRYON_JWT_KEY_FILE": "nowhere"]).code == .unreadableFile)
    }
}
