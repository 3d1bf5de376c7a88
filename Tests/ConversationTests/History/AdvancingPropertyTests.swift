import Conversation
import Testing

@Suite("Advancing, against the table read out loud")
struct AdvancingPropertyTests {
    /// The table, part by part and with nested loops.
    private static func naive(_ base: Message, _ wire: Message) -> Message? {
        guard base.role == .assistant, wire.role == .assistant else { return nil }
        var result = base
        for index in base.parts.indices {
            guard case .tool(let stored) = base.parts[index], stored.toolCallID != "" else { continue }
            let isLatest = !base.parts[(index + 1)...].contains { part in
                if case .tool(let later) = part { later.toolCallID == stored.toolCallID } else { false }
            }
            guard isLatest else { continue }
            for case .tool(let offer) in wire.parts where offer.toolCallID == stored.toolCallID {
                let advanced = naive(stored, offer)
                if advanced != stored {
                    result.parts[index] = .tool(advanced)
                    break
                }
            }
        }
        return result == base ? nil : result
    }

    private static func naive(_ stored: ToolPart, _ offer: ToolPart) -> ToolPart {
        var part = stored
        let isFinal =
            stored.state == .outputError || stored.state == .outputDenied
            || stored.state == .outputAvailable && stored.preliminary != true
        if isFinal { return stored }
        let isAsked = stored.state == .approvalRequested
        let isSameQuestion = stored.approval != nil && stored.approval?.id == offer.approval?.id
        func takeAnswer(_ approved: Bool) {
            part.approval?.approved = approved
            part.approval?.reason = offer.approval?.reason
            for (name, value) in offer.approval?.unknown ?? [:] where stored.approval?.unknown[name] == nil {
                part.approval?.unknown[name] = value
            }
        }
        switch offer.state {
        case .outputAvailable where offer.preliminary != true, .outputError:
            if isAsked, isSameQuestion, let approved = offer.approval?.approved { takeAnswer(approved) }
            part.state = offer.state
            part.output = offer.state == .outputError ? nil : offer.output
            if offer.state == .outputError { part.errorText = offer.errorText ?? "" }
            part.preliminary = nil
        case .approvalResponded:
            if isAsked, isSameQuestion, let approved = offer.approval?.approved {
                takeAnswer(approved)
                part.state = .approvalResponded
            }
        case .outputDenied where isSameQuestion && offer.approval?.approved != true:
            if isAsked { takeAnswer(false) }
            let isRefused = stored.state == .approvalResponded && stored.approval?.approved == false
            if isAsked || isRefused { part.state = .outputDenied }
        default: break
        }
        return part
    }

    /// A message of mostly tool parts, whose ids and questions meet often.
    private static func message(_ random: inout SeededRandom) -> Message {
        var message = random.message()
        message.role = random.oneIn(8) ? random.pick(Role.allCases) : .assistant
        for _ in 0..<random.below(5) {
            var part = random.toolPart()
            part.approval = random.maybe { random in
                ToolApproval(
                    id: random.pick(["q", "r"]), approved: random.maybe { $0.oneIn(2) }, unknown: random.unknown())
            }
            message.parts.append(.tool(part))
        }
        return message
    }

    @Test("Any two messages advance as the table says, and never back", arguments: UInt64(0)..<60)
    func model(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let comment = Comment(rawValue: "seed \(seed)")
        for _ in 0..<40 {
            let (base, wire) = (Self.message(&random), Self.message(&random))
            let advanced = base.advanced(by: wire)
            #expect(advanced == Self.naive(base, wire), comment)
            // A repeated answer has nothing to add, unless the wire holds a call more than once.
            let calls = wire.parts.compactMap { if case .tool(let tool) = $0 { tool.toolCallID } else { nil } }
            if let advanced, Set(calls).count == calls.count { #expect(advanced.advanced(by: wire) == nil, comment) }
        }
    }
}
