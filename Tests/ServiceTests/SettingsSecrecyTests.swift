import CarryonService
import Testing

@Suite("Settings: secrets, help and encoding")
struct SettingsSecrecyTests {
    private static let secrets = ["k-one", "k-two", "j-secret", "p-word", "pem-text", "s-secret", "m-secret"]

    private func settingsWithSecrets() throws -> Settings {
        try resolveSettings(
            ["--kafka-sasl-password", "p-word"],
            environment: [
                "CARRYON_API_KEYS_FILE": "keys", "CARRYON_JWT_KEY": "j-secret", "CARRYON_KAFKA_SSL_KEY_PEM": "pem-text",
                "CARRYON_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET_FILE": "oauth", "CARRYON_REGION": "shown",
                "CARRYON_MODEL_KEY_FILE": "model",
            ],
            files: ["keys": "k-one\nk-two\n", "oauth": "s-secret\n", "model": "m-secret\n"])
    }

    @Test("A secret can be given as a file, without the line end behind it")
    func secretFiles() throws {
        let settings = try settingsWithSecrets()
        #expect(settings.apiKeys == ["k-one", "k-two"])
        #expect(settings.kafka["sasl.oauthbearer.client.secret"] == "s-secret")
        #expect(try resolveSettings(["--jwt-key-file", "f"], files: ["f": "line\nline\n"]).jwtKey == "line\nline")
    }

    @Test("No way of printing settings shows a secret")
    func neverPrinted() throws {
        let settings = try settingsWithSecrets()
        var dumped = ""
        dump(settings, to: &dumped)
        let printed = [
            "\(settings)", String(reflecting: settings), dumped, "\(settings.describe())",
            "\(Optional(settings) as Any)",
        ]
        for text in printed {
            #expect(!Self.secrets.contains { text.contains($0) })
            #expect(text.contains("shown") && text.contains("••••"))
        }
        let hidden = settings.describe().filter { $0.value == "••••" }.map(\.name)
        #expect(
            hidden == [
                "CARRYON_KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET", "CARRYON_KAFKA_SASL_PASSWORD",
                "CARRYON_KAFKA_SSL_KEY_PEM", "CARRYON_MODEL_KEY", "CARRYON_API_KEYS", "CARRYON_JWT_KEY",
            ])
    }

    @Test("No error repeats a secret")
    func neverInErrors() throws {
        let keys = try settingsRefusal(environment: ["CARRYON_API_KEYS": "k-one k-two"])
        #expect(!keys.description.contains("k-one"))
        let model = try settingsRefusal(environment: ["CARRYON_MODEL_KEY": "m-secret m"])
        #expect(!model.description.contains("m-secret"))
        let store = try settingsRefusal(["--store", "mysql://user:p-word@host"])
        #expect(!store.description.contains("p-word"))
        let named = try settingsRefusal(["--store-file", "f"], files: ["f": "postgre//user:p-word@host"])
        #expect(!named.description.contains("p-word"))
        let file = try settingsRefusal(["--config", "f"], files: ["f": "jwt-key: \"j-secret\nhosts: 2\n"])
        #expect(!file.description.contains("j-secret"))
    }

    @Test(
        "A database's URL is shown without its passwords",
        arguments: [
            ("postgres://u:p-word@h:5432/d", "postgres://u:••••@h:5432/d"),
            ("postgresql://u:p-w/o@r?d@h/d?sslmode=require", "postgresql://u:••••@h/d?sslmode=require"),
            ("postgres://h/d?user=u&password=p-word", "postgres://h/d?user=u&password=••••"),
            ("postgres://h/d?sslp%61ssword=p-word&a=b", "postgres://h/d?sslp%61ssword=••••&a=b"),
            ("postgres://u@h:5432/d", "postgres://u@h:5432/d"), ("sqlite:a:b@c", "sqlite:a:b@c"),
        ])
    func databasePassword(given: String, shown: String) throws {
        let settings = try resolveSettings(environment: ["CARRYON_STORE_FILE": "f"], files: ["f": given + "\n"])
        let path = given.hasPrefix("sqlite:") ? String(given.dropFirst("sqlite:".count)) : nil
        #expect(settings.store == path.map { .sqlite(path: $0) } ?? .postgres(url: given))
        #expect(settings.describe().first { $0.name == "CARRYON_STORE" }?.value == shown)
        #expect("\(settings.store)" == shown)
        #expect(try Settings(decoding: settings.encoded()).store == settings.store)
    }

    @Test("Settings come back from their encoding as they were")
    func roundTrip() throws {
        let arguments = SettingsPrecedenceTests.samples.sorted { $0.key < $1.key }.flatMap {
            ["--\($0.key)", $0.value]
        }
        var settings = try resolveSettings(arguments + ["--kafka-sasl-password", "p\"\n\u{1F511}"])
        #expect(try Settings(decoding: settings.encoded()) == settings)
        settings.flushWindow = .nanoseconds(1_234_567)
        settings.maxRequestBytes = 1_000_001
        settings.kafka["bootstrap.servers"] = "127.0.0.1:1"
        #expect(try Settings(decoding: settings.encoded()) == settings)
        #expect(try Settings(decoding: Settings().encoded()) == Settings())
    }

    @Test(
        "Bytes that are no settings are refused",
        arguments: ["", "{}", "[]", #"{"values":{},"kafka":{},"sources":{}}"#])
    func malformedEncoding(text: String) {
        let error = #expect(throws: SettingsError.self) { try Settings(decoding: Array(text.utf8)) }
        #expect(error?.code == .malformedEncoding)
    }

    @Test("The help names every setting, its variable, what it accepts and its default")
    func help() {
        let help = Settings.helpText
        for setting in Setting.all {
            #expect(help.contains("\(setting.flag) (\(setting.variable))"))
            #expect(help.contains("accepts \(setting.accepts)"))
        }
        #expect(help.contains("default: 20ms"))
        #expect(help.contains("default: number of cores"))
        #expect(!help.contains("••••"))
    }
}
