import Conversation

/// What assembling, repairing and merging cost for each part of a message, for messages of different lengths: linear is
/// the same figure for all.
struct MessageBenchmark: Benchmark {
    let name = "message"
    let summary = "assembling, repairing, merging and answering messages of 100, 1,000 and 10,000 parts"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        var measurements: [Measurement] = []
        var firsts: [String: Double] = [:]
        for parts in [100, 1_000, 10_000] {
            let rounds = max((setting.isQuick ? 20_000 : 200_000) / parts, 1)
            for (name, work) in try Self.works(parts) {
                let start = ContinuousClock.now
                for _ in 0..<rounds { try work() }
                let perPart = (ContinuousClock.now - start).inSeconds / Double(rounds * parts) * 1e9
                let first = firsts[name] ?? perPart
                firsts[name] = first
                measurements.append(
                    Measurement(
                        "\(parts) parts", name, perPart, "ns/part",
                        parts == 100 ? "" : "\(Measurement("", "", perPart / first, "").text) of that of 100 parts"))
            }
        }
        return measurements
    }

    private static func works(_ count: Int) throws -> [(String, () throws -> Void)] {
        let parts = (0..<count).map { index -> Part in
            let call = ToolPart(
                toolCallID: "call-\(index)", toolName: "tool", state: .inputAvailable, input: ["n": 1])
            return index.isMultiple(of: 2) ? .text(TextPart("some words of an answer")) : .tool(call)
        }
        let message = Message(id: "m", role: .assistant, parts: parts)
        let chunks = message.chunks()
        let history = (0..<count).map { Message.user(id: "m\($0)", text: "words") }
        let answers = Message(
            id: "m", role: .assistant,
            parts: parts.compactMap { part in
                guard case .tool(var call) = part else { return nil }
                (call.state, call.output) = (.outputAvailable, "done")
                return .tool(call)
            })
        return [
            (
                "assembling",
                {
                    var assembler = MessageAssembler(messageID: "m")
                    for chunk in chunks { try assembler.apply(chunk) }
                    try consume(assembler.message.parts.count >= count)
                }
            ),
            ("repairing", { try consume(message.repaired() != nil) }),
            ("merging", { try consume(Message.merging(history, with: history).count == count) }),
            ("answering calls", { try consume(message.advanced(by: answers) != nil) }),
        ]
    }

    /// What was measured was really done.
    private static func consume(_ isRight: Bool) throws {
        guard isRight else { throw BenchmarkFailure("wrong_result", "a message came out wrong") }
    }
}
