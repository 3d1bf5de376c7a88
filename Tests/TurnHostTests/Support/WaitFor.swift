import TestSupport

/// Waits for a condition, for as long as every test here does.
func waitFor(
    fileID: String = #fileID, line: Int = #line, isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    try await eventually(
        timeout: Conductor.deadline, every: .milliseconds(1), fileID: fileID, line: line, isolation: isolation,
        condition)
}
