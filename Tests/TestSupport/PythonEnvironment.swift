package import Foundation

/// The programs that `deploy/prepare --tests` installs into the repository's `.venv`.
package enum PythonEnvironment {
    /// The repository's directory.
    package static let root = URL(filePath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Where a program of it is.
    package static func path(of program: String) -> String {
        root.appending(path: ".venv/bin/\(program)").path(percentEncoded: false)
    }

    /// Runs one of the repository's own programs of Python.
    /// - Returns: what it prints.
    /// - Throws: if it does not end with status 0, with what it said of that.
    package static func run(_ script: String, _ arguments: [String] = [], input: String = "") async throws -> String {
        let script = root.appending(path: script).path(percentEncoded: false)
        return try await ProgramOutput.of(path(of: "python"), [script] + arguments, input: input)
    }
}
