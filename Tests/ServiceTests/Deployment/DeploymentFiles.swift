import Foundation
import TestSupport
import Testing

/// What `check_deployment.py` read in the files that deploy the service, and how the programs beside it are run.
struct DeploymentFiles: Decodable {
    /// A process of the service that one of the files starts.
    struct StartedProcess: Decodable {
        /// Which file, and what in it.
        let place: String
        let arguments: [String]
        let environment: [String: String]
        /// Seconds from the order to stop until it is killed, if the file says so.
        let grace: Double?
    }

    struct Alert: Decodable {
        let name: String
        let runbook: String
        let expression: String
    }

    /// A label by which an expression picks series of a metric.
    struct Selector: Decodable, Hashable {
        let metric: String
        let label: String
    }

    struct Topic: Decodable {
        let file: String
        let name: String
        let partitions: Int
        let options: [String: String]
    }

    /// A change to what is read, and not to the file.
    struct Edit: Encodable, Sendable, CustomTestStringConvertible {
        let file: String
        let from: String
        let to: String

        var testDescription: String { "\(file): \(from)" }
    }

    let problems: [String]
    let files: [String]
    let variables: [String]
    let metrics: [String]
    let selectors: [Selector]
    /// By the command that serves them: `work`, `gateway`.
    let ports: [String: [Int]]
    let processes: [StartedProcess]
    /// What follows `carryon`, in words.
    let commands: [[String]]
    let alerts: [Alert]
    /// The runbook's sections.
    let headings: [String]
    let topics: [Topic]

    static func read(_ edits: [Edit] = []) async throws -> DeploymentFiles {
        try await JSONDecoder().decode(DeploymentFiles.self, from: said("check_deployment.py", edits))
    }

    /// What another one of the programs beside this file finds wrong.
    static func problems(foundBy program: String, _ edits: [Edit] = []) async throws -> [String] {
        struct Found: Decodable {
            let problems: [String]
        }
        return try await JSONDecoder().decode(Found.self, from: said(program, edits)).problems
    }

    private static func said(_ program: String, _ edits: [Edit]) async throws -> Data {
        let input = String(decoding: try JSONEncoder().encode(edits), as: UTF8.self)
        let output = try await PythonEnvironment.run("Tests/ServiceTests/Deployment/\(program)", input: input)
        return Data(output.utf8)
    }
}
