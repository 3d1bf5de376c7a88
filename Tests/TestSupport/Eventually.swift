/// A condition that did not come true in time.
package struct NeverHappened: Error, CustomStringConvertible {
    package let timeout: Duration
    package let location: String

    package var description: String { "The condition at \(location) did not come true within \(timeout)." }
}

/// Waits for a condition, which is looked at again and again.
/// - Throws: `NeverHappened` at the deadline, and what the condition throws.
package func eventually(
    timeout: Duration, every interval: Duration = .milliseconds(10), fileID: String = #fileID, line: Int = #line,
    isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool
) async throws {
    let _: Bool = try await eventually(
        timeout: timeout, every: interval, fileID: fileID, line: line, isolation: isolation
    ) {
        try await condition() ? true : nil
    }
}

/// Waits for a value, which is looked for again and again.
/// - Throws: `NeverHappened` at the deadline, and what the search throws.
package func eventually<Value>(
    timeout: Duration, every interval: Duration = .milliseconds(10), fileID: String = #fileID, line: Int = #line,
    isolation: isolated (any Actor)? = #isolation, _ search: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now.advanced(by: timeout)
    while true {
        if let value = try await search() { return value }
        guard ContinuousClock.now < deadline else {
            throw NeverHappened(timeout: timeout, location: "\(fileID):\(line)")
        }
        try await Task.sleep(for: interval)
    }
}
