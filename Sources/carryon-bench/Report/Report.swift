import Conversation
import Foundation

/// Everything that was measured, for people and for programs.
struct Report {
    private var results: [(benchmark: String, measurement: Measurement)] = []
    private var failures: [(benchmark: String, reason: String)] = []

    var hasFailures: Bool { !failures.isEmpty }

    mutating func add(_ measurements: [Measurement], of benchmark: String) {
        results += measurements.map { (benchmark, $0) }
    }

    mutating func addFailure(_ reason: String, of benchmark: String) {
        failures.append((benchmark, reason))
    }

    var table: String {
        var rows = [["benchmark", "with", "figure", "value", "unit", ""]]
        for (benchmark, measurement) in results {
            rows.append([
                benchmark, measurement.variant, measurement.name, measurement.text, measurement.unit,
                measurement.remark,
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        let lines = rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 3 ? padding + cell : cell + padding
            }
            var line = cells.joined(separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
        return (lines + failures.map { "\($0.benchmark) failed: \($0.reason)" }).joined(separator: "\n")
    }

    var json: String {
        let object: JSON = [
            "cores": .number(JSONNumber(ProcessInfo.processInfo.activeProcessorCount)),
            "memoryBytes": .number(JSONNumber(Int(clamping: ProcessInfo.processInfo.physicalMemory))),
            "results": .array(results.map { Self.json($0.benchmark, $0.measurement) }),
            "failures": .array(
                failures.map { ["benchmark": .string($0.benchmark), "reason": .string($0.reason)] }),
        ]
        return String(decoding: object.serialized(), as: UTF8.self)
    }

    private static func json(_ benchmark: String, _ measurement: Measurement) -> JSON {
        [
            "benchmark": .string(benchmark), "with": .string(measurement.variant), "figure": .string(measurement.name),
            "value": (try? JSON(parsing: "\(measurement.value)")) ?? .null, "unit": .string(measurement.unit),
            "remark": .string(measurement.remark),
        ]
    }
}
