import TestSupport

/// Writes one user's steps.
struct StepWriter {
    private var previous: Step?

    private static let words = [
        "anchor", "bridge", "candle", "desert", "engine", "feather", "garden", "harbour", "island", "jungle", "kettle",
        "lantern", "mirror", "needle", "orchard", "pepper", "quarry", "river", "saddle", "timber",
    ]

    /// Those that are rare, and of how many steps one is of the kind.
    static let rare: [(rarity: Int, make: @Sendable (inout SeededGenerator) -> Step)] = [
        (
            60,
            { .message("#script\ntokens \(Int.random(in: 3...12, using: &$0)) 5ms\ncrash SEGV upto 2\nsay Up again.") }
        ),
        (250, { .message("#script\nsay \(phrase(&$0))\nallocate 450MB upto 1\nsay There was room after all.") }),
        (400, { .poison("#script\ntokens \(Int.random(in: 2...6, using: &$0)) 5ms\ncrash SEGV") }),
    ]

    mutating func step(_ index: Int, using generator: inout SeededGenerator) -> Step {
        let step = next(index, using: &generator)
        previous = step
        return step
    }

    private func next(_ index: Int, using generator: inout SeededGenerator) -> Step {
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<34: return .message("\(Self.phrase(&generator)), number \(index)")
        case 34..<52: return .message(Self.script(&generator, calls: 0))
        case 52..<70: return .message(Self.script(&generator, calls: Int.random(in: 1...3, using: &generator)))
        case 70..<77:
            let amount = Int.random(in: 1...900, using: &generator)
            let script = "#script\nsay \(Self.phrase(&generator))\ntool refund {\"amount\":\(amount)}\nsay So it is."
            return .approval(script, isGranted: Bool.random(using: &generator))
        case 77..<84:
            let count = Int.random(in: 40...120, using: &generator)
            return .stopped("#script\ntokens \(count) 20ms", afterPieces: Int.random(in: 1...10, using: &generator))
        case 84..<90:
            if case .message(let text) = previous, !text.contains("\ntool ") { return .regenerate }
            return .message("\(Self.phrase(&generator)) instead")
        case 90..<96: return .duplicate("\(Self.phrase(&generator)), once")
        default:
            let garbage = Step.Garbage.allCases.randomElement(using: &generator) ?? .noJSON
            return .garbage(garbage, "\(Self.phrase(&generator)) after all")
        }
    }

    /// A program of a few lines, so many of which call a tool.
    private static func script(_ generator: inout SeededGenerator, calls: Int) -> String {
        var lines: [String] = []
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: lines.append("tokens \(Int.random(in: 1...60, using: &generator)) 10ms")
            case 1: lines.append("reason \(phrase(&generator))")
            case 2: lines.append("sleep \(Int.random(in: 1...400, using: &generator))ms")
            default: lines.append("say \(phrase(&generator))")
            }
        }
        for _ in 0..<calls {
            let tool = ChaosTool.allCases.filter { !$0.needsApproval }.randomElement(using: &generator) ?? .lookup
            let line = "tool \(tool.rawValue) {\"amount\":\(Int.random(in: 1...900, using: &generator))}"
            lines.insert(line, at: Int.random(in: 0...lines.count, using: &generator))
        }
        lines.append("say \(phrase(&generator))")
        return (["#script"] + lines).joined(separator: "\n")
    }

    private static func phrase(_ generator: inout SeededGenerator) -> String {
        (0..<Int.random(in: 2...9, using: &generator))
            .map { _ in words.randomElement(using: &generator) ?? "word" }
            .joined(separator: " ")
    }
}
