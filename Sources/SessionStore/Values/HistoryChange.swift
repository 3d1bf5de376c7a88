/// What a settlement does to a session's messages. Its cost goes by the messages it names, not by the history's length.
package struct HistoryChange: Sendable {
    /// How many of the existing messages stay, from the first; `Int.max` keeps all.
    package var keep: Int
    /// New contents for messages that stay, by index.
    package var replace: [(index: Int, message: StoredMessage)]
    /// New messages behind those that stay.
    package var append: [StoredMessage]

    package init(
        keep: Int = .max, replace: [(index: Int, message: StoredMessage)] = [], append: [StoredMessage] = []
    ) {
        self.keep = keep
        self.replace = replace
        self.append = append
    }
}
