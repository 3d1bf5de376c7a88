import TestSupport
import Testing

@testable import SessionStore

@Suite("What PostgreSQL's refusals mean")
struct PostgresFailureTests {
    @Test("A full disk is told apart, is worth another try, and fails no write for its own sake")
    func diskFull() {
        let failure = PostgresFailure.refused(state: "53100", message: "could not extend file")
        let error = StoreError(failure, while: "settling")
        #expect(error.code == .diskFull && error.isTransient)
        #expect(error.description.contains("(disk_full)") && error.description.contains("could not extend file"))
        // Each write would fail in the same way, so that none is done by itself.
        #expect(failure.remedy == .giveUp)
        let lost = PostgresFailure.lost(reason: "could not write init file", state: "53100")
        #expect(lost.code == .diskFull && lost.remedy == .reconnect && !lost.isOfSettings)
    }

    @Test(
        "Every other code has its meaning",
        arguments: [
            ("53200", StoreError.Code.unavailable), ("53300", .unavailable), ("40001", .unavailable),
            ("55P03", .unavailable), ("57014", .unavailable), ("58030", .unavailable), ("25006", .unavailable),
            ("XX001", .corrupt), ("22001", .rejected), ("23505", .rejected), ("42P01", .rejected),
        ])
    func codes(_ test: (state: String, code: StoreError.Code)) {
        #expect(PostgresFailure.refused(state: test.state, message: "").code == test.code)
    }

    @Test("A refused login and a disagreement on TLS are for somebody to settle; a server that is away is not")
    func ofSettings() {
        func isOfSettings(_ reason: String, _ state: String?) -> Bool {
            PostgresFailure.lost(reason: reason, state: state).isOfSettings
        }
        for state in ["28P01", "28000", "3D000", "42501"] { #expect(isOfSettings("", state)) }
        for state in ["57P03", "53300", nil] { #expect(!isOfSettings("the server is away", state)) }
        #expect(isOfSettings("SSL error: certificate verify failed", nil))
        #expect(!isOfSettings("SSL error: unexpected eof while reading", nil))
    }

    @Test(
        "A server whose disk is full fails what is written with disk_full, is still read, and is written to afterwards")
    func provoked() async throws {
        let server = try await PostgresServer.shared()
        let url = try await server.createDatabase()
        let store = try PostgresSessionStore(url: url)
        let worker = try await Worker(store)
        #expect(try await worker.settle("s") == .written(revision: 1))
        // Says what a server without room says.
        try await server.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'could not extend file "base/5/1259": No space left on device'
                    USING ERRCODE = 'disk_full';
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON carryon_sessions EXECUTE FUNCTION refuse()
            """, at: url)
        let error = await #expect(throws: StoreError.self) { try await worker.settle("s", revision: 1, offset: 1) }
        #expect(error?.code == .diskFull && error?.isTransient == true, "\(error as Any)")
        #expect(error?.description.contains("settling offset 1 of session s (disk_full)") == true)
        #expect(error?.description.contains("No space left on device") == true)
        #expect(try await store.loadSession("s")?.revision == 1)
        try await server.execute("DROP TRIGGER refuse ON carryon_sessions", at: url)
        #expect(try await worker.settle("s", revision: 1, offset: 1) == .written(revision: 2))
        try await store.close()
    }
}
