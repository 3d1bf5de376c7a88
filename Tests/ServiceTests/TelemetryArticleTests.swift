import Foundation
import Telemetry
import Testing

/// The article's table and the code have the same metrics.
@Suite("The article on telemetry")
struct TelemetryArticleTests {
    private struct Row: Hashable {
        var name: String
        var kind: String
        var unit: String
        var labels: String
        var help: String

        init(_ metric: MetricDefinition) {
            name = metric.prometheusName
            kind =
                switch metric.kind {
                case .counter: "counter"
                case .gauge: "gauge"
                case .histogram: "histogram"
                }
            unit = metric.unit.rawValue
            labels = metric.labels.map { "`\($0)`" }.joined(separator: ", ")
            help = metric.help
        }

        init(_ columns: [String]) {
            (name, kind, unit) = (String(columns[0].dropFirst().dropLast()), columns[1], columns[2])
            (labels, help) = (columns[3], columns[4])
        }
    }

    @Test("Its table says of every metric what the code says")
    func table() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let path = root.appendingPathComponent("Sources/CarryonService/CarryonService.docc/Telemetry.md")
        let rows = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("| `carryon_") }
            .map { line in
                line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                    .map { $0.trimmingCharacters(in: .whitespaces) }
            }
        #expect(rows.allSatisfy { $0.count == 5 })
        #expect(rows.map(Row.init) == MetricCatalog.all.map(Row.init))
    }
}
