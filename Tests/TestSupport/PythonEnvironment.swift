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

    /// Runs a program of Python to its end, beside the tests' own threads.
    /// - Parameter input: what it reads from its standard input.
    /// - Returns: its exit status, and what it printed.
    package static func run(
        _ arguments: [String], input: String = ""
    ) async throws -> (status: Int32, output: String, errors: String) {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(with: Result { try runToEnd(arguments, input) })
            }.start()
        }
    }

    private static func runToEnd(
        _ arguments: [String], _ input: String
    ) throws -> (status: Int32, output: String, errors: String) {
        let directory = try TemporaryDirectory(prefix: "carryon-python")
        try Data(input.utf8).write(to: URL(filePath: directory.path("in")))
        for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: directory.path(name), contents: nil) }
        let process = Process()
        process.executableURL = URL(filePath: path(of: "python"))
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: directory.path("in")))
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: directory.path("out")))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: directory.path("err")))
        // `waitUntilExit` runs the thread's run loop, which this thread has nothing for.
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        ended.wait()
        return (
            process.terminationStatus, try String(contentsOfFile: directory.path("out"), encoding: .utf8),
            try String(contentsOfFile: directory.path("err"), encoding: .utf8)
        )
    }
}
