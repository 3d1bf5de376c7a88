/// Waits for something that ends by itself, and not longer than this.
/// - Throws: `NeverHappened` at the deadline, after the work was cancelled, and what the work throws.
package func within<Value: Sendable>(
    _ timeout: Duration, fileID: String = #fileID, line: Int = #line,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: timeout)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw NeverHappened(timeout: timeout, location: "\(fileID):\(line)")
        }
        return value
    }
}
