import Conversation
import Kafka

/// What the benchmarks' users ask: a user's message of about 100 bytes besides the script for the model.
enum Question {
    private static let words = [
        "answer", "broker", "carries", "delta", "every", "forward", "given", "history", "inside", "journal", "kept",
        "letter", "message", "never", "offset", "partial", "question", "record", "session", "turn", "until", "value",
        "worker", "yields", "again", "before", "checkpoint", "durable", "event", "fence", "gapless", "host",
    ]

    /// A program that says `count` words, other ones for every `seed`.
    static func script(words count: Int, seed: Int) -> String {
        var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        var text = ""
        for _ in 0..<count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            text += " " + words[Int(state >> 33) % words.count]
        }
        return "#script\nsay\(text)"
    }

    /// A program of `count` words, one in each `interval`.
    static func stream(words count: Int, every interval: String) -> String {
        "#script\ntokens \(count) \(interval)"
    }

    static func record(session: String, partition: Int, text: String) -> ProducerRecord {
        let value: JSON = ["type": .string("message"), "text": .string(text)]
        return ProducerRecord(
            topic: Stage.requestsTopic, partition: Int32(partition), key: Array(session.utf8), value: value.serialized()
        )
    }
}
