import Foundation
import TestSupport
import Testing

@Suite("Chaos: a whole service is hurt while users talk to it", .enabled(if: Tansu.isAvailable))
struct ChaosTests {
    /// The same plans each time; `deploy/chaos` tries others, and longer ones.
    private static let seed = 20

    @Test(
        "No request is lost, done twice or out of order, and no reader sees anything but a pause",
        .timeLimit(.minutes(10)), arguments: ["sqlite"])
    func chaos(store: String) async throws {
        try await Slots.clusters.with {
            let directory = try TemporaryDirectory(prefix: "carryon-chaos-test")
            let arguments = [
                "--seed", "\(Self.seed)", "--sessions", "40", "--turns", "5", "--workers", "3", "--partitions", "6",
                "--store", store, "--seconds", "25", "--light-every", "2500", "--heavy-every", "10000", "--deadline",
                "90", "--directory", directory.url.path(percentEncoded: false),
            ]
            let conductor = try await CarryonProcess.start(
                arguments, executable: "carryon-chaos", name: "conductor",
                environment: ProcessInfo.processInfo.environment, directory: directory.url)
            let ending = try await conductor.end(within: .seconds(300))
            print("chaos, seed \(Self.seed), \(store):\n\(conductor.outputText)")
            #expect(
                ending == .done,
                "Again: deploy/chaos \(arguments.dropLast(2).joined(separator: " "))\n\(conductor.errorText)")
        }
    }
}
