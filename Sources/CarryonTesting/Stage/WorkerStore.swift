import SessionStore

/// One worker's way to the session store: it waits with the worker too, and tells it of each step.
struct WorkerStore: GuardedSessionStore {
    let store: MemorySessionStore
    let worker: MockWorker

    func check() throws(StoreError) {
        try worker.check()
    }

    func beginRun(_ begin: BeginRun) async throws(StoreError) -> WriteResult {
        await worker.pass(.beforeBeginRun)
        try worker.check()
        let result = try await store.beginRun(begin)
        guard case .written = result else { return result }
        await worker.pass(.afterBeginRun)
        try worker.check()
        worker.began(turn: begin.run.turn, run: begin.run.run)
        return result
    }

    func interruptRun(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) async throws(StoreError) -> WriteResult {
        await worker.untilItGoesOn()
        let result = try await guarded { () throws(StoreError) in
            try await store.interruptRun(
                session: session, turn: turn, run: run, cause: cause, kind: kind, fence: fence, at: at)
        }
        if kind == .handover { worker.leaveIfAsked() }
        return result
    }

    func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) async throws(StoreError) -> WriteResult {
        await worker.untilItGoesOn()
        return try await guarded { () throws(StoreError) in
            try await store.recordIntents(session: session, turn: turn, run: run, calls: calls, fence: fence)
        }
    }

    func settle(_ settlement: Settlement) async throws(StoreError) -> WriteResult {
        // What a turn's last hook changed is stored without a step of its own.
        if worker.owesAnything {
            await worker.untilItGoesOn()
            return try await guarded { () throws(StoreError) in try await store.settle(settlement) }
        }
        await worker.pass(.beforeSettle)
        try worker.check()
        let result = try await store.settle(settlement)
        guard case .written = result else { return result }
        worker.settled(turn: settlement.turn?.turn, offset: settlement.position.offset)
        await worker.pass(.inSettle)
        try worker.check()
        await worker.pass(.afterSettle)
        try worker.check()
        return result
    }
}
