import Kafka
import SessionStore

/// Why a command ended otherwise than well, with the exit status that says so to a script.
struct CommandFailure: Error, CustomStringConvertible {
    /// The exit status for wrong usage or configuration.
    static let usage: Int32 = 2

    enum Kind: Int32 {
        case failed = 1
        case usage = 2
        /// Broker or store away; `EX_UNAVAILABLE` of sysexits.
        case unavailable = 69
    }

    let kind: Kind
    let message: String

    init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// The failure that `error` amounts to; `nil` for the argument parser's own, which says more itself.
    init?(_ error: any Error) {
        switch error {
        case let failure as CommandFailure: self = failure
        case let error as SettingsError: self.init(.usage, error.description)
        case let error as AgentFileError: self.init(.usage, error.description)
        case let error as StoreError: self.init(error.isTransient ? .unavailable : .failed, error.description)
        case let error as KafkaError: self.init(error.isRetriable ? .unavailable : .failed, error.description)
        default: return nil
        }
    }

    var status: Int32 { kind.rawValue }
    var description: String { message }
}
