import Conversation

/// Asks workers for their status, at their admin addresses.
struct WorkerStatuses: Sendable {
    let addresses: [ListenAddress]
    /// How long a worker may take to answer.
    var timeout = Duration.seconds(2)

    /// Every worker's status, in the order of the addresses. A worker that gives none has an entry with its `address`
    /// and the `error`.
    func all() async -> [JSON] {
        let answers = await WorkerCall(path: "status", timeout: timeout).answers(of: addresses)
        return zip(addresses, answers).map { address, answer in
            var object: JSONObject
            switch answer {
            case .done(.object(let status)): object = status
            case .done: object = ["error": "answers something else than a status"]
            case .refused(_, let message, _, _): object = ["error": .string("refuses: \(message)")]
            case .unreachable(let reason): object = ["error": .string(reason)]
            }
            object["address"] = .string("\(address)")
            return .object(object)
        }
    }
}
