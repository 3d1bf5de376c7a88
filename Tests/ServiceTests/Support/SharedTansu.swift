import TestSupport

/// One broker process for all tests, which keep apart by their topics and groups.
actor SharedTansu {
    static let shared = SharedTansu()

    private var starting: Task<Tansu, any Error>?

    func broker() async throws -> Tansu {
        let task = starting ?? Task { try await Tansu.start() }
        starting = task
        return try await task.value
    }
}
