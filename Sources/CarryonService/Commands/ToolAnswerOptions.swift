import ArgumentParser
import Conversation

/// Options of `carryon send` that answer a call of a tool.
struct ToolAnswerOptions: ParsableArguments {
    @Option(help: "Answers this call of a tool, with --output or --error.") var answer: String?
    @Option(help: "The call's output, as JSON.") var output: String?
    @Option(help: "Why the call has no output.") var error: String?
    @Option(help: "Allows this call of a tool.") var approve: String?
    @Option(help: "Refuses this call of a tool; --reason says why.") var deny: String?

    /// The call that is answered, if one is.
    func callID() throws -> String? {
        let given = [answer, approve, deny].compactMap(\.self)
        guard given.count <= 1 else { throw ValidationError("--answer, --approve and --deny exclude each other") }
        return given.first
    }

    /// The slim message that carries the answer.
    func message(reason: String?) throws -> Message? {
        guard answer != nil || (output == nil && error == nil) else {
            throw ValidationError("--output and --error go with --answer")
        }
        if let approve { return .toolAnswer(.approval(callID: approve, isGranted: true)) }
        if let deny { return .toolAnswer(.approval(callID: deny, isGranted: false, reason: reason)) }
        guard let answer else { return nil }
        switch (output, error) {
        case (let output?, nil):
            do {
                return .toolAnswer(.output(callID: answer, try JSON(parsing: output)))
            } catch {
                throw ValidationError("--output takes JSON: \(error)")
            }
        case (nil, let error?): return .toolAnswer(.error(callID: answer, error))
        default: throw ValidationError("--answer takes either --output or --error")
        }
    }
}
