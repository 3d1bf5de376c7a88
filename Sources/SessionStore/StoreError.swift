/// Why the store could not do what it was asked to. A refused write is not an error: see ``WriteResult``.
package struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Hashable, Sendable, CaseIterable {
        /// The database cannot be reached or is held by someone else.
        case unavailable
        /// The file is damaged, or not a session store at all.
        case corrupt
        /// The file was written by a newer version.
        case schemaTooNew = "schema_too_new"
        case diskFull = "disk_full"
        /// The store was closed.
        case closed
        /// The task that asked was cancelled.
        case cancelled
        case invalidCursor = "invalid_cursor"
        /// The database refused a statement: a bug, or a value beyond its limits.
        case rejected
    }

    package let code: Code
    /// What was being done: "settling a turn".
    package let operation: String
    package let reason: String

    package init(code: Code, operation: String, reason: String) {
        self.code = code
        self.operation = operation
        self.reason = reason
    }

    /// Whether the same call may succeed later without anyone changing the file or the program.
    package var isTransient: Bool {
        switch code {
        case .unavailable, .diskFull: true
        case .corrupt, .schemaTooNew, .closed, .cancelled, .invalidCursor, .rejected: false
        }
    }

    package var description: String { "The session store failed while \(operation) (\(code.rawValue)): \(reason)." }
}
