import Foundation
import TestSupport
import Testing

/// What is expected here is in `Tests/PageDriver/drive.py`: it starts `carryon dev`, and does with its page in headless
/// Chromium what a visitor would do.
@Suite("The page, in a browser")
struct PageTests {
    private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    @Test(
        "A visitor kills the worker and reads the answer to its end, reloads, approves, stops, and looks at the service",
        .timeLimit(.minutes(5)))
    func visitor() async throws {
        let carryon = try CarryonExecutable.find("carryon")
        let pictures = ProcessInfo.processInfo.environment["CARRYON_SCREENSHOTS"]
        let output = try await Self.drive([carryon] + [pictures].compactMap(\.self))
        #expect(output.status == 0, "\(output.text)")
    }

    private static func drive(_ arguments: [String]) async throws -> (status: Int32, text: String) {
        try await withCheckedThrowingContinuation { continuation in
            Thread {
                continuation.resume(
                    with: Result {
                        let process = Process()
                        process.executableURL = root.appendingPathComponent(".venv/bin/python")
                        process.arguments =
                            [root.appendingPathComponent("Tests/PageDriver/drive.py").path] + arguments
                        let pipe = Pipe()
                        process.standardOutput = pipe
                        process.standardError = pipe
                        process.standardInput = FileHandle.nullDevice
                        let ended = DispatchSemaphore(value: 0)
                        process.terminationHandler = { _ in ended.signal() }
                        try process.run()
                        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
                        ended.wait()
                        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
                    })
            }.start()
        }
    }
}
