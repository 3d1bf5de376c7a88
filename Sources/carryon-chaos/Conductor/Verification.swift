import Conversation
import Foundation
import TestSupport

/// Has a store built again from the topics alone, and compared with the one that the workers have written.
struct Verification: Sendable {
    let stage: Stage
    /// The workers' settings.
    let settings: [String: String]

    func findings() async throws -> [Finding] {
        let process = try await CarryonProcess.start(
            ["verify", "--json"], name: "verify", environment: stage.environment(settings),
            directory: stage.directory)
        let ending = try await process.end(within: .seconds(300))
        var findings = process.outputText.split(separator: "\n").compactMap { line -> Finding? in
            guard let difference = try? JSON(parsing: Array(line.utf8)), let what = difference["what"]?.stringValue
            else {
                return nil
            }
            return Finding(
                .store, difference["session"]?.stringValue, "\(what), held against the topics",
                expected: difference["expected"]?.stringValue ?? "", came: difference["stored"]?.stringValue ?? "")
        }
        if findings.isEmpty, ending != .done {
            findings.append(Finding(.conduct, nil, "carryon verify", expected: "it done", came: process.lastWords()))
        }
        return findings
    }
}
