import Foundation
import TestSupport
import Testing

@testable import SessionStore

@Suite("PostgreSQL over TLS", .timeLimit(.minutes(5)))
struct PostgresEncryptionTests {
    @Test("With sslmode=verify-full and the right authority a store works, and all of its connections are encrypted")
    func verified() async throws {
        let server = try await PostgresServer.start(offersTLS: true)
        let authority = try #require(server.authority)
        let store = try PostgresSessionStore(url: "\(server.url)?sslmode=verify-full&sslrootcert=\(authority)")
        let worker = try await Worker(store)
        #expect(try await worker.settle("s") { $0.history.append = [message("m")] } == .written(revision: 1))
        #expect(try await store.loadSession("s")?.messages == [message("m")])
        let connections = try await server.execute(
            """
            SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'carryon'
            """)
        // One that writes, and one that reads.
        #expect(connections.count >= 2 && connections.allSatisfy { $0 == ["t"] }, "\(connections)")
        try await store.close()
    }

    @Test("What the two ends do not agree on is refused for good, with what to do about it and without the password")
    func refused() async throws {
        let encrypted = try await PostgresServer.start(offersTLS: true)
        let plain = try await PostgresServer.shared()
        let authority = try #require(encrypted.authority)
        let directory = try TemporaryDirectory()
        let other = try await ServerCertificate.make(in: directory).authority
        func refusal(
            _ server: PostgresServer, host: String = "127.0.0.1", _ parameters: String
        ) -> StoreError? {
            let url = "postgres://carryon:p-word@\(host):\(server.port)/postgres?hostaddr=127.0.0.1&\(parameters)"
            let error = #expect(throws: StoreError.self) { try PostgresSessionStore(url: url) }
            #expect(error?.code == .rejected && error?.isTransient == false, "\(error as Any)")
            #expect(error?.description.contains("p-word") == false)
            return error
        }
        let cases = [
            (refusal(encrypted, "sslmode=verify-full&sslrootcert=\(other)"), TLSObjection.notTrusted),
            (
                refusal(encrypted, host: "db.example", "sslmode=verify-full&sslrootcert=\(authority)"),
                .otherHost
            ),
            (
                refusal(encrypted, "sslmode=verify-full&sslrootcert=\(directory.path("nothing.crt"))"),
                .nobodyTrusted
            ),
            (refusal(plain, "sslmode=require"), .notOffered),
        ]
        for (error, objection) in cases {
            #expect(error?.reason.contains(objection.advice) == true, "\(objection): \(error as Any)")
        }
    }
}
