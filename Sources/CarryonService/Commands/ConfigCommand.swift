import ArgumentParser
import Conversation

/// `carryon config`: what is in force, and from where.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Prints the settings in force, and the agent's; secrets are hidden.")

    @Flag(help: "One JSON object instead of a table.") var json = false

    func run() async throws {
        let settings = try Invocation.required().settings
        let described = try settings.describe() + (settings.readAgent()?.describe() ?? [])
        guard json else {
            print(
                TextTable(
                    ["SETTING", "VALUE", "FROM", "WHAT IT IS"],
                    described.map { [$0.name, $0.value, $0.source, $0.documentation] }))
            return
        }
        var object = JSONObject()
        for setting in described {
            object[setting.name] = .object(["value": .string(setting.value), "source": .string(setting.source)])
        }
        print(JSON.object(object).serializedString)
    }
}
