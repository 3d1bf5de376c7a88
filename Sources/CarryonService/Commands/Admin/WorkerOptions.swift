import ArgumentParser
import Conversation
import NIOHTTP1

/// Which workers are asked, and how their answers are shown.
struct WorkerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The admin address of a worker; may be repeated.", valueName: "address"))
    var worker: [String] = []
    @Flag(help: "One JSON object a line, one for each worker.") var json = false

    /// Asks every worker, and shows each answer.
    /// - Parameters:
    ///   - body: what is sent with it; nil for a call that only asks.
    ///   - show: shows the answers of those that gave one, unless they are wanted as JSON.
    /// - Throws: ``CommandFailure`` if one of them failed.
    func call(
        _ method: HTTPMethod, _ path: String, _ body: JSON? = nil,
        show: ([(worker: ListenAddress, answer: JSON)]) -> Void
    ) async throws {
        let settings = try Invocation.required().settings
        let addresses = try addresses(settings)
        let call = WorkerCall(
            method: method, path: "admin/\(path)", body: body, key: body == nil ? nil : settings.adminKey)
        let answers = Array(zip(addresses, await call.answers(of: addresses)))
        if json {
            for (address, answer) in answers { StandardOutput.line(answer.json(of: address).serializedString) }
        } else {
            let done = answers.compactMap { address, answer -> (worker: ListenAddress, answer: JSON)? in
                if case .done(let json) = answer { (address, json) } else { nil }
            }
            if !done.isEmpty { show(done) }
        }
        let failures = answers.compactMap { $1.failure(of: $0) }
        guard let first = failures.first else { return }
        throw CommandFailure(first.kind, failures.map(\.message).joined(separator: "\ncarryon: "))
    }

    private func addresses(_ settings: Settings) throws -> [ListenAddress] {
        guard !worker.isEmpty else { return settings.workers.isEmpty ? [settings.adminAddress] : settings.workers }
        return try worker.map { text in
            guard let address = ListenAddress(text) else {
                throw CommandFailure(.usage, "--worker takes an address, HOST:PORT, and not '\(text)'")
            }
            return address
        }
    }
}

extension WorkerCall.Answer {
    fileprivate func json(of worker: ListenAddress) -> JSON {
        var object: JSONObject = ["worker": .string("\(worker)")]
        switch self {
        case .done(let json):
            for (name, value) in json.objectValue ?? JSONObject() { object[name] = value }
        case .refused(let code, let message, let param, _):
            var error: JSONObject = ["code": .string(code), "message": .string(message)]
            error["param"] = param.map(JSON.string)
            object["error"] = .object(error)
        case .unreachable(let reason):
            object["error"] = ["code": "unreachable", "message": .string(reason)]
        }
        return .object(object)
    }

    /// Nil if it is none.
    fileprivate func failure(of worker: ListenAddress) -> CommandFailure? {
        switch self {
        case .done: nil
        case .refused(_, let message, let param, let isUsage):
            CommandFailure(
                isUsage ? .usage : .failed,
                "the worker at \(worker) refuses\(param.map { " '\($0)'" } ?? ""): \(message)")
        case .unreachable(let reason): CommandFailure(.unavailable, "the worker at \(worker) \(reason)")
        }
    }
}
