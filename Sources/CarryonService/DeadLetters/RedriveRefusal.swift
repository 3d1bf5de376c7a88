import Conversation
import Kafka

/// Why a letter that was selected is not acted upon.
enum RedriveRefusal: Sendable, Hashable, CustomStringConvertible {
    case resolved(LetterResolution)
    case unknownOrigin
    case undecodable
    case noPartition(TopicPartition)
    case closed
    case answered
    case behindNewer(turns: Int)
    /// An earlier request of the same session could not be sent: this one must not overtake it.
    case notInOrder
    case gone
    case failed(String)
    case unmarked(LetterID?, String)

    /// Stable, for scripts.
    var code: String {
        switch self {
        case .resolved(let resolution): "already_\(resolution.kind.rawValue)"
        case .unknownOrigin: "unknown_origin"
        case .undecodable: "undecodable"
        case .noPartition: "no_partition"
        case .closed: "session_closed"
        case .answered: "answered"
        case .behindNewer: "behind_newer"
        case .notInOrder: "not_in_order"
        case .gone: "gone"
        case .failed: "failed"
        case .unmarked: "unmarked"
        }
    }

    var description: String {
        switch self {
        case .resolved(let resolution): "it was \(resolution.kind.rawValue) at \(resolution.at.rfc3339)"
        case .unknownOrigin: "it does not say where it came from"
        case .undecodable: "it is undecodable and would come back: name it, or use --cause undecodable"
        case .noPartition(let partition): "there is no partition \(partition.partition) of \(partition.topic)"
        case .closed: "its session is closed"
        case .answered: "it was answered after all"
        case .behindNewer(let turns):
            "its session has gone on, by \(turns) turn\(turns == 1 ? "" : "s"): --behind-newer sends it all the same"
        case .notInOrder: "an earlier request of its session could not be sent"
        case .gone: "it is not on the topic any more"
        case .failed(let reason): reason
        case .unmarked(let place, let reason):
            "it was sent\(place.map { " (as \($0))" } ?? ""), which could not be noted: \(reason) "
                + "Doing it again does no harm."
        }
    }
}
