import LanguageModels
import TestSupport
import Testing

@Suite("Durations and sizes as people write them")
struct QuantityTests {
    @Test(
        "A duration is read exactly",
        arguments: [
            ("20ms", Duration.milliseconds(20)), ("1.5s", .milliseconds(1500)), ("2m", .seconds(120)),
            ("0.000001s", .microseconds(1)), ("1h", .seconds(3600)), ("3us", .microseconds(3)),
            ("7ns", .nanoseconds(7)), ("0", .zero), ("0s", .zero), ("0.5h", .seconds(1800)),
        ])
    func durations(text: String, expected: Duration) {
        #expect(Quantity.duration(text) == expected)
    }

    @Test(
        "What is no duration is refused",
        arguments: [
            "", "5", "ms", "-1s", "+1s", "1 s", "1.s", ".5s", "1.5.5s", "1.0000001s", "0.5ns", "1d", "1S", "٣s", "1e3s",
            "99999999999999999999s", "9999999999999h",
        ])
    func malformedDurations(text: String) {
        #expect(Quantity.duration(text) == nil)
    }

    @Test(
        "A size is read exactly",
        arguments: [
            ("65536", 65536), ("64KiB", 65536), ("512MB", 512_000_000), ("2GiB", 2 << 30), ("1.5GiB", 3 << 29),
            ("1MB", 1_000_000), ("10Mi", 10 << 20), ("0", 0), ("3B", 3), ("1TiB", 1 << 40), ("2kB", 2000),
        ])
    func byteCounts(text: String, expected: Int) {
        #expect(Quantity.byteCount(text) == expected)
    }

    @Test(
        "What is no size is refused",
        arguments: ["", "B", "-1", "1 MB", "1mb", "0.5", "1.0000001MB", "9223372036854775808", "9999999999TiB", "MiB"])
    func malformedByteCounts(text: String) {
        #expect(Quantity.byteCount(text) == nil)
    }

    @Test("What is written is read back as it was", arguments: 0..<100 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let value = Int.random(in: 0...(1 << Int.random(in: 0...61, using: &generator)), using: &generator)
        let scale = [1, 1000, 1024, 1 << 20, 1_000_000_000].randomElement(using: &generator) ?? 1
        let count = value / scale * scale
        #expect(Quantity.byteCount(Quantity.text(ofByteCount: count)) == count, "seed \(seed)")
        let duration = Duration.nanoseconds(count)
        #expect(Quantity.duration(Quantity.text(of: duration)) == duration, "seed \(seed)")
    }

    @Test("A value is written in its largest whole unit")
    func largestUnit() {
        #expect(Quantity.text(of: .seconds(20)) == "20s")
        #expect(Quantity.text(of: .milliseconds(1500)) == "1500ms")
        #expect(Quantity.text(ofByteCount: 64 << 20) == "64MiB")
        #expect(Quantity.text(ofByteCount: 1500) == "1500B")
    }
}
