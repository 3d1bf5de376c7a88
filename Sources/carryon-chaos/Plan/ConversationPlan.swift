import TestSupport

/// What all users will say: a function of the seed and the sizes alone.
struct ConversationPlan: Sendable, Hashable {
    struct Session: Sendable, Hashable {
        let id: String
        let steps: [Step]
        /// How long its user thinks before each step, as a share of the mean pause.
        let pauses: [Double]
        /// Whether its user sends a second message before the first is answered.
        let isAhead: Bool
        /// Of its reader's losses of connection.
        let readerSeed: UInt64
    }

    let sessions: [Session]

    var stepCount: Int { sessions.reduce(0) { $0 + $1.steps.count } }

    init(seed: UInt64, sessions count: Int, turns: Int) {
        var generator = SeededGenerator(seed: seed)
        var steps = (0..<count).map { _ in
            var writer = StepWriter()
            return (0..<turns).map { writer.step($0, using: &generator) }
        }
        let total = count * turns
        // Rare ones are placed by number, so that a short run has some of each.
        for (rarity, make) in StepWriter.rare {
            for _ in 0..<max(1, total / rarity) where total > 10 {
                let session = Int.random(in: 0..<count, using: &generator)
                let turn = Int.random(in: 0..<turns, using: &generator)
                let next = turn + 1 < turns ? steps[session][turn + 1] : nil
                // What is regenerated must be an ordinary answer.
                if next != .regenerate { steps[session][turn] = .init(make, using: &generator) }
            }
        }
        var sessions: [Session] = []
        for (index, steps) in steps.enumerated() {
            let number = String(index)
            sessions.append(
                Session(
                    id: "s" + String(repeating: "0", count: max(0, 4 - number.count)) + number, steps: steps,
                    pauses: steps.map { _ in Double.random(in: 0...2, using: &generator) },
                    isAhead: Int.random(in: 0..<5, using: &generator) == 0, readerSeed: generator.next()))
        }
        self.sessions = sessions
    }
}

extension Step {
    fileprivate init(_ make: (inout SeededGenerator) -> Step, using generator: inout SeededGenerator) {
        self = make(&generator)
    }
}
