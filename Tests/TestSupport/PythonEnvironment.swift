internal import Foundation

/// The interpreter with the packages that `deploy/prepare --tests` installs.
package enum PythonEnvironment {
    /// The repository's `.venv`.
    package static var interpreter: String {
        URL(filePath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: ".venv/bin/python").path(percentEncoded: false)
    }

    /// Whether it has a package.
    package static func has(_ module: String) -> Bool {
        guard FileManager.default.isExecutableFile(atPath: interpreter) else { return false }
        return (try? run(["-c", "import \(module)"]).status) == 0
    }

    /// Runs a program to its end.
    package static func run(
        _ arguments: [String], input: String = ""
    ) throws -> (status: Int32, output: String, errors: String) {
        let directory = try TemporaryDirectory(prefix: "carryon-python")
        try Data(input.utf8).write(to: URL(filePath: directory.path("in")))
        for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: directory.path(name), contents: nil) }
        let process = Process()
        process.executableURL = URL(filePath: interpreter)
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: directory.path("in")))
        process.standardOutput = try FileHandle(forWritingTo: URL(filePath: directory.path("out")))
        process.standardError = try FileHandle(forWritingTo: URL(filePath: directory.path("err")))
        try process.run()
        process.waitUntilExit()
        return (
            process.terminationStatus, try String(contentsOfFile: directory.path("out"), encoding: .utf8),
            try String(contentsOfFile: directory.path("err"), encoding: .utf8)
        )
    }
}
