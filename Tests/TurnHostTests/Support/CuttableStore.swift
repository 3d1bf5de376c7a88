import CarryonTesting
import SessionStore

/// One host's way to the session store, whose reads and writes can also be made to fail.
struct CuttableStore: GuardedSessionStore {
    let store: SQLiteSessionStore
    let lifeline: Lifeline
    let faults: StoreFaults

    func check() throws(StoreError) {
        try lifeline.check()
    }

    func openRuns(log: LogIdentity) async throws(StoreError) -> [StoredRun] {
        try check()
        try await faults.before(.openRuns)
        return try await store.openRuns(log: log)
    }

    func beginRun(_ begin: BeginRun) async throws(StoreError) -> WriteResult {
        try await faults.before(.beginRun)
        try check()
        let result = try await store.beginRun(begin)
        try faults.after(.beginRun)
        try check()
        return result
    }

    func settle(_ settlement: Settlement) async throws(StoreError) -> WriteResult {
        try check()
        try await faults.before(.settle)
        let result = try await store.settle(settlement)
        try faults.after(.settle)
        try check()
        return result
    }
}
