import Conversation

extension Settings {
    /// The settings as bytes that ``init(decoding:)`` takes back, for the worker's own turn hosts.
    ///
    /// Secrets are in them as they are: they go down a socket to a child process, never to a file or an argument.
    package func encoded() -> [UInt8] {
        var values = JSONObject()
        for setting in Setting.all {
            values[setting.name] = .string(setting.text(self))
        }
        let members: JSONObject = [
            "values": .object(values), "kafka": Self.object(kafka), "sources": Self.object(sources),
        ]
        return JSON.object(members).serialized()
    }

    /// Takes back what ``encoded()`` wrote.
    ///
    /// - Throws: ``SettingsError`` for bytes that the same version did not write.
    package init(decoding bytes: [UInt8]) throws(SettingsError) {
        self.init()
        guard let members = (try? JSON(parsing: bytes))?.objectValue,
            let values = Self.texts(members["values"]), let kafka = Self.texts(members["kafka"]),
            let sources = Self.texts(members["sources"]), values.count == Setting.all.count
        else {
            throw Self.malformed("settings", "are not those of this version")
        }
        for setting in Setting.all {
            guard let text = values[setting.name], (try? setting.assign(text, &self)) == true else {
                throw Self.malformed(setting.name, "is missing or malformed; it accepts \(setting.accepts)")
            }
        }
        self.kafka = kafka
        self.sources = sources
    }

    private static func object(_ texts: [String: String]) -> JSON {
        var members = JSONObject()
        for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
            members[name] = .string(text)
        }
        return .object(members)
    }

    private static func texts(_ json: JSON?) -> [String: String]? {
        guard let members = json?.objectValue else { return nil }
        var texts: [String: String] = [:]
        for (name, value) in members {
            guard let text = value.stringValue else { return nil }
            texts[name] = text
        }
        return texts
    }

    private static func malformed(_ name: String, _ message: String) -> SettingsError {
        SettingsError(code: .malformedEncoding, setting: name, origin: "consumer", message: message)
    }
}
