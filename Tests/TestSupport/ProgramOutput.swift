internal import Foundation

/// Runs a program to its end.
enum ProgramOutput {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Returns: what it prints.
    /// - Throws: if it does not end with status 0.
    static func of(_ executable: String, _ arguments: [String]) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(with: Result { try run(executable, arguments) })
            }.start()
        }
    }

    private static func run(_ executable: String, _ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: executable)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        // Waiting for it by its own means takes a run loop, which this thread has none of.
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        ended.wait()
        guard process.terminationStatus == 0 else {
            throw Failure(
                description: "\(executable) \(arguments.first ?? "") ended with status \(process.terminationStatus).")
        }
        return String(decoding: output, as: UTF8.self)
    }
}
