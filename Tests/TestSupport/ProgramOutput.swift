internal import Foundation

/// Runs a program to its end, beside the tests' own threads.
package enum ProgramOutput {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter input: what it reads from its standard input.
    /// - Returns: what it prints.
    /// - Throws: if it does not end with status 0, with what it said of that.
    package static func of(_ executable: String, _ arguments: [String], input: String = "") async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(with: Result { try run(executable, arguments, input) })
            }.start()
        }
    }

    private static func run(_ executable: String, _ arguments: [String], _ input: String) throws -> String {
        let directory = try TemporaryDirectory(prefix: "carryon-program")
        let (words, complaints) = (directory.path("in"), directory.path("err"))
        try Data(input.utf8).write(to: URL(filePath: words))
        try Data().write(to: URL(filePath: complaints))
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        // Two pipes would have to be read at once.
        process.standardError = try FileHandle(forWritingTo: URL(filePath: complaints))
        process.standardInput = try FileHandle(forReadingFrom: URL(filePath: words))
        // Waiting for it by its own means takes a run loop, which this thread has none of.
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        let output = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        ended.wait()
        guard process.terminationStatus == 0 else {
            let said = (try? String(contentsOfFile: complaints, encoding: .utf8)) ?? ""
            throw Failure(
                description: "\(executable) \(arguments.first ?? "") ended with status \(process.terminationStatus): "
                    + (output + said).suffix(4_000))
        }
        return output
    }
}
