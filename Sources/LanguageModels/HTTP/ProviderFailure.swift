import Conversation

/// A call of a provider that failed, with what only this module decides on.
struct ProviderFailure: Error {
    var error: ModelError
    /// The status of the answer, if that was the failure.
    var status: Int?

    init(error: ModelError) { self.error = error }

    /// An answer of a status that refuses.
    init(status: Int, reported: ReportedError, retryAfter: Duration?, host: String) {
        let said = Self.words(reported)
        let code = Self.code(status: status, reported)
        var message = "The provider \(host) answered with status \(status)\(said)"
        switch status {
        case 300..<400: message += ": the address leads elsewhere, which is not followed"
        case 401: message += ": the key is missing, or is not accepted"
        case 403: message += ": the key does not allow this"
        case 404: message += ": it has no such model, or no such address"
        case 429: message += ": too many requests, or too many tokens"
        default: if code == .contextLength { message += ": the prompt does not fit into the model's context" }
        }
        error = ModelError(code, message + ".", retryAfter: code == .contextLength ? nil : retryAfter)
        self.status = status
    }

    /// A failure that is told in the middle of an answer.
    init(reported: ReportedError, host: String) {
        let code = reported.status.flatMap { (400..<600).contains($0) ? Self.code(status: $0, reported) : nil }
        error = ModelError(
            code ?? Self.code(reported), "The provider \(host) broke its answer off\(Self.words(reported)).")
    }

    /// Whether the request itself is what was refused, so that another one may be taken.
    var isRefusedRequest: Bool { error.code == .invalidRequest && (status == 400 || status == 422) }

    private static func words(_ reported: ReportedError) -> String {
        let said = reported.names + (reported.parameter.map { ["at \($0)"] } ?? [])
        return said.isEmpty ? "" : " (\(said.joined(separator: ", ")))"
    }

    private static func code(status: Int, _ reported: ReportedError) -> ModelError.Code {
        switch status {
        case 429: .rateLimited
        case 413: .contextLength
        case 408, 409, 425: .overloaded
        case 400..<500: reported.saysTooLong ? .contextLength : .invalidRequest
        // A server that is too strict to call a prompt too long would be asked again and again.
        case 500...: reported.saysTooLong ? .contextLength : .overloaded
        default: .invalidRequest
        }
    }

    private static func code(_ reported: ReportedError) -> ModelError.Code {
        if reported.saysTooLong { return .contextLength }
        let names = reported.names.joined(separator: " ").lowercased()
        func has(_ signs: String...) -> Bool { signs.contains { names.contains($0) } }
        if has("rate_limit", "quota", "too_many") { return .rateLimited }
        if has("too_large") { return .contextLength }
        if has("overloaded", "server_error", "api_error", "internal", "timeout", "unavailable") { return .overloaded }
        if has("invalid", "authentication", "permission", "not_found", "bad_request", "billing") {
            return .invalidRequest
        }
        return .disconnect
    }
}
