/// Does `body` for each item, so many at a time, and `take` with what comes of each, in the order in which it comes.
/// - Throws: what the first `body` that fails throws; the others are cancelled.
func inLanes<Item: Sendable, Found: Sendable>(
    _ items: some Sequence<Item>, lanes: Int, _ body: @escaping @Sendable (Item) async throws -> Found,
    take: (Found) -> Void = { _ in }
) async throws {
    try await withThrowingTaskGroup(of: Found.self) { group in
        var running = 0
        for item in items {
            if running == lanes, let found = try await group.next() {
                take(found)
                running -= 1
            }
            group.addTask { try await body(item) }
            running += 1
        }
        for try await found in group { take(found) }
    }
}
