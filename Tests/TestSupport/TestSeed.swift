internal import Foundation

/// The seed of `CARRYON_TEST_SEED`, or a random one. A test prints it when it fails:
/// `#expect(..., "CARRYON_TEST_SEED=\(seed)")`.
package func testSeed() -> UInt64 {
    ProcessInfo.processInfo.environment["CARRYON_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: .min ... .max)
}
