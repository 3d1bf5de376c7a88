import CarryonTesting

extension Hook {
    /// What is called in a session's first turn, which calls no tools.
    static let ofFirstTurn: [Hook] = [
        .onBoot, .tools, .onValidateMessages, .onChatStart, .onTurnStart, .run, .prepareMessages,
        .onBeforeTurnComplete, .onTurnComplete,
    ]
}
