package import SessionStore

extension MemorySessionStore {
    package func park(_ session: ParkedSession) async throws(StoreError) {
        try access("parking session \(session.session)") { $0.parks[session.session] = session }
    }

    package func parkedSessions() async throws(StoreError) -> [ParkedSession] {
        try access("listing the parked sessions") { database in
            database.parks.values.sorted { Array($0.session.utf8).lexicographicallyPrecedes(Array($1.session.utf8)) }
        }
    }

    package func parkedSession(_ id: String) async throws(StoreError) -> ParkedSession? {
        try access("asking whether session \(id) is parked") { $0.parks[id] }
    }

    package func beginRelease(of session: String) async throws(StoreError) {
        try access("releasing session \(session)") { $0.parks[session]?.isReleasing = true }
    }

    package func endRelease(of session: String, atRevision revision: Int64) async throws(StoreError) -> Bool {
        try access("ending the release of session \(session)") { database in
            let found = database.sessions[session]?.stored.revision ?? 0
            guard database.parks[session]?.isReleasing == true, found == revision,
                database.openRuns[session]?.isEmpty ?? true
            else { return false }
            database.parks[session] = nil
            database.sessions[session]?.stored.revision += 1
            return true
        }
    }
}
