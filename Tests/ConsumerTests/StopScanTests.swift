import Consumer
import Conversation
import Kafka
import Testing
import TestSupport

@Suite("Looking for stops")
struct StopScanTests {
    private let intake = RequestIntake(maximumBytes: 200)
    private var scan: StopScan { StopScan(intake: intake) }

    private func record(_ value: [UInt8]?, key: String? = "s", headers: [KafkaHeader] = []) -> KafkaRecord {
        KafkaRecord(
            topic: "t", partition: 0, offset: 7, key: key.map { Array($0.utf8) }, value: value, headers: headers)
    }

    @Test(
        "A stop is found however JSON spells it",
        arguments: [
            #"{"type":"stop"}"#, #"{"data":{"a":[1]},"type" : "stop" }"#, #"{"type":"\u0073top"}"#,
            #"{"type":"s\u0074op"}"#, #"{"type":"st\u006Fp"}"#, #"{"type":"sto\u0070"}"#,
            #"{"t\u0079pe":"stop"}"#,
        ])
    func spellings(_ value: String) {
        #expect(scan.stop(in: record(Array(value.utf8))) == FastLane.Stop(session: "s", offset: 7))
    }

    @Test("What it says goes along, the header's key too")
    func members() {
        let value = Array(#"{"type":"stop","reason":"enough"}"#.utf8)
        let found = scan.stop(in: record(value, headers: [KafkaHeader("idempotency-key", "k")]))
        #expect(found == FastLane.Stop(session: "s", offset: 7, reason: "enough", idempotencyKey: "k"))
    }

    @Test("What is no request, or another one, is none; nor is what intake would refuse")
    func others() {
        let large = #"{"type":"stop","reason":"\#(String(repeating: "x", count: 200))"}"#
        let values: [[UInt8]?] = [
            nil, [], Array(#""stop""#.utf8), Array(#"{"type":"message","text":"stop"}"#.utf8), [0x22, 0x73], [0x5C],
            Array(#"{"type":"stop""#.utf8), Array(#"\u00"#.utf8), Array(large.utf8),
            [0xFF, 0x22] + Array("stop\"".utf8),
        ]
        for value in values { #expect(scan.stop(in: record(value)) == nil) }
        #expect(scan.stop(in: record(Array(#"{"type":"stop"}"#.utf8), key: nil)) == nil)
        let lenient = StopScan(intake: RequestIntake(maximumBytes: 1 << 20))
        for (length, isFound) in [(StopScan.largest, true), (StopScan.largest + 1, false)] {
            let reason = String(repeating: "x", count: length - #"{"type":"stop","reason":""}"#.utf8.count)
            let value = Array(#"{"type":"stop","reason":"\#(reason)"}"#.utf8)
            #expect((lenient.stop(in: record(value)) != nil) == isFound)
        }
    }

    @Test("Of garbage it says what a full decoding says, and never traps")
    func garbage() {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        let pieces = [
            #"{"type":"#, #""stop""#, #"\u0073"#, #"\u00"#, "top", "\"", "}", "{", ",", #""reason":"x""#, "\\", "stop",
            "\0",
            "é",
        ]
        var stops = 0
        for _ in 0..<20_000 {
            var value = (0..<Int.random(in: 0...6, using: &random)).flatMap { _ in
                Array((pieces.randomElement(using: &random) ?? "").utf8)
            }
            if Int.random(in: 0..<4, using: &random) == 0 { value = Array(#"{"type":"\u0073top"}"#.utf8) }
            if Bool.random(using: &random), !value.isEmpty {
                value[Int.random(in: value.indices, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            var expected: FastLane.Stop?
            if case .request(let session, let request) = intake.examine(record(value)),
                case .stop(let reason) = request.kind
            {
                expected = FastLane.Stop(session: session, offset: 7, reason: reason)
                stops += 1
            }
            #expect(scan.stop(in: record(value)) == expected, "CARRYON_TEST_SEED=\(seed), \(value)")
        }
        #expect(stops > 0, "CARRYON_TEST_SEED=\(seed)")
    }
}
