/// A conditional write to one session.
enum SessionWrite: Sendable {
    case begin(BeginRun)
    case interrupt(RunInterruption)
    case intend(RunIntent)
    case settle(Settlement)
    case forward(Forwarding)

    var session: String {
        switch self {
        case .begin(let begin): begin.session
        case .interrupt(let interruption): interruption.session
        case .intend(let intent): intent.session
        case .settle(let settlement): settlement.session
        case .forward(let forwarding): forwarding.session
        }
    }

    var fence: Fence {
        switch self {
        case .begin(let begin): begin.fence
        case .interrupt(let interruption): interruption.fence
        case .intend(let intent): intent.fence
        case .settle(let settlement): settlement.fence
        case .forward(let forwarding): forwarding.fence
        }
    }

    /// What it carries, about, without what every write has.
    var bytes: Int {
        guard case .settle(let settlement) = self else { return 0 }
        let messages = settlement.history.append + settlement.history.replace.map(\.message)
        return messages.reduce(settlement.state?.count ?? 0) { $0 + $1.body.count }
    }

    /// Why PostgreSQL cannot keep one of the texts of this write; nil if it can. Its text holds anything but NUL.
    ///
    /// Texts that a producer, a model or a tool chooses are kept as bytes and may hold that too.
    var unstorableText: String? {
        var texts = [("session id", session), ("group", fence.group)]
        switch self {
        case .begin(let begin):
            let (run, log) = (begin.run, begin.run.position.log)
            texts += [
                ("cluster", log.cluster), ("topic", log.topic), ("host", run.host), ("region", run.region ?? ""),
            ]
        case .settle(let settlement):
            let log = settlement.position.log
            let control = settlement.lastControl?.control ?? ""
            texts += [("cluster", log.cluster), ("topic", log.topic), ("control record's subtype", control)]
            texts += (settlement.history.append + settlement.history.replace.map(\.message)).map { ("role", $0.role) }
            texts += [("outcome", settlement.turn?.outcome ?? "")]
        case .forward(let forwarding):
            let log = forwarding.position.log
            texts += [
                ("cluster", log.cluster), ("topic", log.topic), ("topic forwarded to", forwarding.request.topic),
            ]
        case .interrupt, .intend:
            break
        }
        let unstorable = texts.first { $0.1.utf8.contains(0) }
        return unstorable.map { "the \($0.0) holds a NUL character, which PostgreSQL cannot keep" }
    }
}

/// The record that a run is about to make tool calls.
struct RunIntent: Sendable {
    let session: String
    let turn: Int
    let run: Int
    let calls: [String]
    let fence: Fence
}
