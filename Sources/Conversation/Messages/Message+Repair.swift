extension Message {
    /// The message as a model and a reader can be given it after its answer was cut off; `nil` if no part is left.
    ///
    /// Text and reasoning that were still streaming keep what there is and become `done`. Calls of tools without a
    /// result (`input-streaming`, `input-available`, and the old `partial-call` and `call`) and transient data are
    /// removed. Everything else is kept, steps that are now empty too. Repairing twice changes nothing more.
    public func repaired() -> Message? {
        var message = self
        message.parts = parts.compactMap(\.repaired)
        return message.parts.isEmpty ? nil : message
    }
}

extension Part {
    fileprivate var repaired: Part? {
        switch self {
        case .text(var part):
            guard part.state == .streaming else { return self }
            part.state = .done
            return .text(part)
        case .reasoning(var part):
            guard part.state == .streaming else { return self }
            part.state = .done
            return .reasoning(part)
        case .tool(let part):
            return part.state.isUnfinished ? nil : self
        case .data(let part):
            return part.unknown["transient"] == .bool(true) ? nil : self
        case .unknown(let members):
            return LegacyToolInvocation.isUnfinished(members) ? nil : self
        case .file, .sourceURL, .sourceDocument, .stepStart:
            return self
        }
    }
}
