extension SessionStore {
    /// A session's runs in the order they began, newest first: page after page, until one has a run that is enough.
    package func runs(
        of session: String, until isEnough: (StoredRun) -> Bool = { _ in false }
    ) async throws(StoreError) -> [StoredRun] {
        var runs: [StoredRun] = []
        var cursor: String?
        repeat {
            let page = try await listRuns(session: session, status: nil, regions: nil, cursor: cursor, limit: 1_000)
            runs += page.items
            cursor = page.items.contains(where: isEnough) ? nil : page.cursor
        } while cursor != nil
        return runs
    }
}
