import ChatAgent

/// What a command runs with.
struct Invocation: Sendable {
    @TaskLocal static var current: Invocation?

    let settings: Settings
    /// The settings among the arguments, to be passed on to a process of the same kind.
    private(set) var settingFlags: [String]
    let makeAgent: @Sendable (AgentContext) throws -> any ChatAgent

    init(
        settings: Settings, settingFlags: [String],
        makeAgent: @escaping @Sendable (AgentContext) throws -> any ChatAgent
    ) {
        self.settings = settings
        self.settingFlags = settingFlags
        self.makeAgent = makeAgent
    }

    /// Passes further settings on.
    mutating func addFlags(_ flags: [String]) {
        settingFlags += flags
    }

    /// The invocation that the running command belongs to.
    static func required() throws -> Invocation {
        guard let current else { throw CommandFailure(.failed, "a command ran outside of an invocation") }
        return current
    }
}
