import TestSupport
import Testing

@testable import SessionStore

@Suite("PostgreSQL on several servers", .timeLimit(.minutes(5)))
struct PostgresServersTests {
    /// Long enough for a server that answers, on a machine that may be slow.
    private static let patience = PostgresPatience(connect: .seconds(2), write: .seconds(20))

    @Test("Each server of an address is tried by itself, with its own host and port")
    func lists() {
        func servers(_ given: [String: String], _ environment: [String: String] = [:]) -> [PostgresServers.Server] {
            PostgresServers(given: given, environment: environment).servers
        }
        #expect(servers(["host": "a"]) == [.init(name: "a", parameters: [:])])
        #expect(servers(["host": "a", "port": "1"]) == [.init(name: "a:1", parameters: [:])])
        #expect(servers([:]) == [.init(name: "the local socket", parameters: [:])])
        let two = [
            PostgresServers.Server(name: "a:1", parameters: ["host": "a", "port": "1"]),
            PostgresServers.Server(name: "b:2", parameters: ["host": "b", "port": "2"]),
        ]
        #expect(servers(["host": "a,b", "port": "1,2"]) == two)
        #expect(servers([:], ["PGHOST": "a,b", "PGPORT": "1,2"]) == two)
        #expect(servers(["host": "a,b", "port": "7"]).map(\.name) == ["a:7", "b:7"])
        #expect(servers(["host": "a,b"]).map(\.name) == ["a:5432", "b:5432"])
        #expect(servers(["host": "a,b", "port": ",2"]).map(\.name) == ["a:5432", "b:2"])
        let addressed = servers(["host": "a,b", "hostaddr": "10.0.0.1,10.0.0.2"])
        #expect(addressed.map { $0.parameters["hostaddr"] } == ["10.0.0.1", "10.0.0.2"])
        #expect(servers(["hostaddr": "10.0.0.1,10.0.0.2"]).map(\.name) == ["10.0.0.1:5432", "10.0.0.2:5432"])
        // What is wrong or left out is libpq's to say or to know.
        #expect(servers(["host": "a,b", "port": "1,2,3"]).map(\.parameters) == [[:]])
        #expect(servers(["host": "a,"]).map(\.parameters) == [[:]])
        #expect(servers(["host": "a,b", "hostaddr": "10.0.0.1"]).map(\.parameters) == [[:]])
    }

    @Test("The first server refuses connections, or is silent: the second one is used", arguments: [true, false])
    func firstAway(isSilent: Bool) async throws {
        let server = try await PostgresServer.shared()
        let relay = try BrokerRelay(toPort: server.port)
        defer { relay.close() }
        if isSilent { relay.stall() } else { relay.refuse() }
        let url = try await server.createDatabase().replacing(
            "127.0.0.1:\(server.port)/", with: "127.0.0.1:\(relay.port),127.0.0.1:\(server.port)/")
        try await work(PostgresSessionStore(url: "\(url)?target_session_attrs=read-write", patience: Self.patience))
    }

    @Test("A first server that can only be read is passed over where one is asked for that can be written to")
    func standbyFirst() async throws {
        let server = try await PostgresServer.shared()
        let standby = try await PostgresServer.start()
        try await standby.shutDown()
        try await standby.start(asStandby: true)
        try await server.execute("CREATE SCHEMA of_two_servers")
        let hosts = "127.0.0.1:\(standby.port),127.0.0.1:\(server.port)"
        let url = "postgres://carryon@\(hosts)/postgres?target_session_attrs=read-write"
        try await work(
            PostgresSessionStore(url: url + "&options=-csearch_path%3Dof_two_servers", patience: Self.patience))
    }

    private func work(_ store: PostgresSessionStore) async throws {
        let worker = try await Worker(store)
        #expect(try await worker.settle("s") == .written(revision: 1))
        #expect(try await store.loadSession("s")?.revision == 1)
        try await store.close()
    }

    @Test("If none can be reached, all are named with what is wrong with each")
    func allAway() async throws {
        let ports = [try LoopbackSocket.freePort(), try LoopbackSocket.freePort()]
        let error = #expect(throws: StoreError.self) {
            try PostgresSessionStore(
                url: "postgres://carryon:p-word@127.0.0.1:\(ports[0]),127.0.0.1:\(ports[1])/chat",
                patience: Self.patience)
        }
        #expect(error?.code == .unavailable && error?.isTransient == true)
        #expect(error?.operation == "opening PostgreSQL at 127.0.0.1:\(ports[0]),127.0.0.1:\(ports[1])/chat")
        for port in ports { #expect(error?.reason.contains("127.0.0.1:\(port): ") == true, "\(error as Any)") }
        #expect(error?.description.contains("p-word") == false)
    }

    @Test("A login that the first server refuses is refused: the second is not asked")
    func wrongLogin() async throws {
        let server = try await PostgresServer.shared()
        let url = "postgres://nobody@127.0.0.1:\(server.port),127.0.0.1:1/postgres"
        let error = #expect(throws: StoreError.self) { try PostgresSessionStore(url: url, patience: Self.patience) }
        #expect(error?.code == .rejected)
        #expect(error?.reason.contains("127.0.0.1:1: ") == false)
    }
}
