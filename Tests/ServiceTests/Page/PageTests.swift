import Foundation
import TestSupport
import Testing

/// What is expected here is in `Tests/PageDriver/drive.py`: it starts `carryon dev`, and does with its page in headless
/// Chromium what a visitor would do.
@Suite("The page, in a browser")
struct PageTests {
    @Test(
        "A visitor kills the worker and reads the answer to its end, reloads, approves, stops, and looks at the service",
        .timeLimit(.minutes(5)))
    func visitor() async throws {
        let carryon = try CarryonExecutable.find("carryon")
        let pictures = ProcessInfo.processInfo.environment["CARRYON_SCREENSHOTS"]
        _ = try await PythonEnvironment.run("Tests/PageDriver/drive.py", [carryon] + [pictures].compactMap(\.self))
    }
}
