import Foundation
import Glibc

/// Tells on standard error how far a long piece of work has come, how fast it goes and how long it will take: in place on a
/// terminal, else a line every ten seconds.
final class ProgressMeter {
    private let what: String
    private let unit: String
    private let total: Int?
    private let isTerminal = isatty(2) == 1
    private let began = ContinuousClock.now
    private var next: ContinuousClock.Instant
    private var hasDrawn = false

    /// - Parameters:
    ///   - what: what is done, such as `partition 2`.
    ///   - unit: what is counted, in the plural.
    ///   - total: how many there are, if that is known.
    init(_ what: String, unit: String, total: Int? = nil) {
        self.what = what
        self.unit = unit
        self.total = total.flatMap { $0 > 0 ? $0 : nil }
        next = .now + .seconds(1)
    }

    func reached(_ count: Int) {
        guard ContinuousClock.now >= next else { return }
        next = .now + (isTerminal ? .milliseconds(250) : .seconds(10))
        let text = Self.line(what, unit: unit, count: count, of: total, after: .now - began)
        hasDrawn = true
        write(isTerminal ? "\r\u{1B}[K\(text)" : "carryon: \(text)\n")
    }

    /// Takes the line away, so that what is printed next begins at the left.
    func finish() {
        if isTerminal, hasDrawn { write("\r\u{1B}[K") }
    }

    static func line(_ what: String, unit: String, count: Int, of total: Int?, after elapsed: Duration) -> String {
        let seconds = max(elapsed.inSeconds, 0.001)
        let rate = Double(count) / seconds
        let speed = rate >= 10 ? "\(Int(rate))/s" : String(format: "%.1f/s", rate)
        guard let total else { return "\(what): \(count) \(unit), \(speed)" }
        let part = min(Double(count) / Double(total), 1)
        let filled = Int(part * 20)
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 20 - filled)
        var text = "\(what): [\(bar)] \(Int(part * 100)) %, \(count) of \(total) \(unit), \(speed)"
        if rate > 0, count < total { text += ", \(left(Double(total - count) / rate)) left" }
        return text
    }

    private static func left(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        return whole < 90 ? "\(whole) s" : whole < 5400 ? "\((whole + 30) / 60) min" : "\((whole + 1800) / 3600) h"
    }

    private func write(_ text: String) {
        FileHandle.standardError.write(Data(text.utf8))
    }
}
