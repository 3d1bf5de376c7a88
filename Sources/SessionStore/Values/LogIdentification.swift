/// Whether a partition's log is the one that the store knows.
package struct LogIdentification: Hashable, Sendable {
    package let log: LogIdentity
    /// Whether the log was found to be another one than before, so that no stored position applies to it.
    package let isNewEpoch: Bool
    /// Why, in one sentence, if so.
    package let reason: String?

    package init(log: LogIdentity, isNewEpoch: Bool, reason: String?) {
        self.log = log
        self.isNewEpoch = isNewEpoch
        self.reason = reason
    }
}
