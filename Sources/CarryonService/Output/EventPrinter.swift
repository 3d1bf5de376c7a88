import Conversation

/// Prints a session's events: one JSON object a line, or the answer's text as it grows.
struct EventPrinter {
    enum Style { case text, json }

    private let style: Style
    private var isLineOpen = false

    init(style: Style) {
        self.style = style
    }

    mutating func print(_ reading: EventFollower.Reading) {
        switch (style, reading) {
        case (.json, .event(let event, _)): line(event.json.serializedString)
        case (.json, .forget): break
        case (.text, .event(let event, _)): printText(event)
        case (.text, .forget(let from, _)): note("what was said from seq \(from) on is taken back")
        }
    }

    private mutating func printText(_ event: Event) {
        switch event.body {
        case .chunk(.textDelta(let delta)), .chunk(.reasoningDelta(let delta)): open(delta.delta)
        case .chunk(.textEnd), .chunk(.reasoningEnd): close()
        case .chunk(.error(let error)): note("error: \(error.errorText)")
        case .chunk(.abort(let abort)): note("the answer ends here: \(abort.reason ?? "stopped")")
        case .chunk(.toolInputAvailable(let call)):
            note("calls \(call.toolName) (\(call.toolCallID)) with \(call.input?.serializedString ?? "nothing")")
        case .chunk(.toolApprovalRequest(let request)): note("\(request.toolCallID) waits to be approved or denied")
        case .chunk(.toolOutputAvailable(let result)):
            note("\(result.toolCallID) gives \(result.output?.serializedString ?? "nothing")")
        case .chunk(.toolOutputError(let failure)): note("\(failure.toolCallID) fails: \(failure.errorText)")
        case .chunk(.toolOutputDenied(let denial)): note("\(denial.toolCallID) is denied")
        case .chunk: break
        case .control(.recovered(let cause, let previousRun, let policy, _)):
            note(
                "run \(previousRun.map { "\($0)" } ?? "?") ended (\(cause)); run \(event.run ?? 0) takes over: \(policy)"
            )
        case .control(.superseded(let from)): note("what was said from seq \(from) on is said anew")
        case .control(.turnComplete(let complete)): note("turn \(complete.turn): \(complete.outcome.rawValue)")
        case .control(.turnStart), .control(.checkpoint): break
        case .control(let control): note(control.subtype)
        }
    }

    private mutating func open(_ text: String) {
        isLineOpen = true
        StandardOutput.write(text)
    }

    private mutating func close() {
        guard isLineOpen else { return }
        isLineOpen = false
        StandardOutput.line("")
    }

    private mutating func note(_ text: String) {
        close()
        line("[\(text)]")
    }

    private func line(_ text: String) {
        StandardOutput.line(text)
    }
}

extension Event {
    /// One line of `carryon tail --json`.
    var json: JSON {
        var object: JSONObject = ["seq": .number(JSONNumber(Int(seq)))]
        object["turn"] = turn.map { .number(JSONNumber($0)) }
        object["run"] = run.map { .number(JSONNumber($0)) }
        switch body {
        case .chunk(let chunk): object["value"] = chunk.json
        case .control(let control):
            object["control"] = .string(control.subtype)
            object["value"] = control.json
        }
        return .object(object)
    }
}
