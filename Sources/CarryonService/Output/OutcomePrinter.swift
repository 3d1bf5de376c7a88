import Conversation

/// Says of letters what was done about them, one line each as it happens; or what would be done, as a table.
struct OutcomePrinter {
    /// What is done: "sent", "discarded".
    let verb: String
    /// Whether it is really done.
    let isDone: Bool
    let isJSON: Bool
    private var plan: [[String]] = []
    private var done = 0
    private var left = 0
    /// Of those that are left out, the ones that are how they were wanted to be already.
    private var needless = 0
    private var missing: [LetterID] = []

    init(verb: String, isDone: Bool, isJSON: Bool) {
        self.verb = verb
        self.isDone = isDone
        self.isJSON = isJSON
    }

    /// The letter would be acted upon.
    mutating func announce(_ letter: Letter) {
        done += 1
        let topic = verb == "sent" ? letter.destination.map { "\($0)" } : nil
        say(letter, "would be \(verb)", to: topic)
    }

    /// - Parameter wanted: what the letters were to become.
    mutating func tell(_ letter: Letter, _ outcome: Redriver.Outcome, wanted: LetterResolution.Kind) {
        switch outcome {
        case .sent(let place):
            done += 1
            say(letter, "sent", to: letter.destination.map { "\($0)" }, place: place)
        case .discarded:
            done += 1
            say(letter, "discarded")
        case .refused(let refusal):
            left += 1
            if case .resolved(let resolution) = refusal, resolution.kind == wanted { needless += 1 }
            say(letter, "left out", refusal: refusal)
        }
    }

    /// No letter has this id.
    mutating func tell(missing id: LetterID) {
        missing.append(id)
        guard isJSON else { return }
        let line: JSON = [
            "id": .string(id.description), "action": "left out", "code": "unknown_letter",
            "reason": "there is no such letter",
        ]
        StandardOutput.line(line.serializedString)
    }

    /// - Throws: ``CommandFailure`` if something that was selected is not there, or could not be done.
    func finish() throws {
        if !isJSON {
            if !plan.isEmpty {
                let table = TextTable(["ID", "SESSION", "CAUSE", "PLACE", "REDRIVES", "WHAT", "TO OR WHY NOT"], plan)
                StandardOutput.line(table.description)
            }
            let what = isDone ? verb : "would be \(verb)"
            let hint = isDone || done == 0 ? "" : "; nothing was done yet: that takes --apply"
            StandardOutput.line("\(done) \(what), \(left) left out\(hint)")
        }
        guard missing.isEmpty else {
            throw CommandFailure(.failed, "there is no letter \(missing.map(\.description).joined(separator: ", "))")
        }
        let failures = left - needless
        guard isDone, failures > 0 else { return }
        throw CommandFailure(.failed, "\(failures) of \(done + left) letters were not \(verb)")
    }

    private mutating func say(
        _ letter: Letter, _ action: String, to topic: String? = nil, place: LetterID? = nil,
        refusal: RedriveRefusal? = nil
    ) {
        if isJSON {
            var object: JSONObject = ["id": .string(letter.id.description), "session": letter.jsonKey]
            object["cause"] = .string(letter.cause)
            object["action"] = .string(action)
            object["to"] = topic.map(JSON.string)
            object["place"] = place.map { .string($0.description) }
            object["code"] = refusal.map { .string($0.code) }
            object["reason"] = refusal.map { .string($0.description) }
            StandardOutput.line(JSON.object(object).serializedString)
        } else if isDone {
            var line = "\(letter.id) (\(letter.shownKey), \(letter.cause)): \(action)"
            if let topic { line += " to \(topic)" }
            if let place { line += ", as \(place)" }
            if let refusal { line += ": \(refusal)" }
            StandardOutput.line(line)
        } else {
            plan.append([
                letter.id.description, letter.shownKey, letter.cause, "\(letter.place)", "\(letter.redrives)", action,
                refusal?.description ?? topic ?? "",
            ])
        }
    }
}
