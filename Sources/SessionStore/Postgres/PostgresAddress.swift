internal import CPostgres
import Foundation

/// Where the database is and how to log in to it: a URL that goes to libpq as it is, and what we would rather have than
/// libpq's defaults.
struct PostgresAddress: Sendable {
    /// Hosts, ports and database, without any secret: "127.0.0.1:5432/chat".
    let name: String
    let servers: PostgresServers
    /// For one of the servers.
    let serverTimeout: Duration
    /// In libpq's order: a later parameter wins over an earlier one, and those of the URL come with `dbname`.
    let parameters: [(keyword: String, value: String)]

    /// - Throws: `rejected` if libpq cannot read the URL.
    init(url: String, patience: PostgresPatience) throws(StoreError) {
        let given = try Self.parse(url)
        let environment = ProcessInfo.processInfo.environment
        let (seconds, isGiven) = (patience.connect.components.seconds, given["connect_timeout"] != nil)
        let chosen = given["connect_timeout"] ?? environment["PGCONNECT_TIMEOUT"]
        // Zero and less means forever to libpq.
        let timeout = chosen.flatMap { Int($0) }.map { $0 > 0 ? Duration.seconds($0) : .seconds(3600) }
        serverTimeout = timeout ?? patience.connect
        var parameters = [
            // A peer that is silently gone is noticed by the system, and an idle connection is kept by firewalls.
            (keyword: "keepalives_idle", value: "5"), (keyword: "keepalives_interval", value: "2"),
            (keyword: "keepalives_count", value: "3"),
            (keyword: "tcp_user_timeout", value: "\(max(1, patience.answer.components.seconds) * 1000)"),
            (keyword: "dbname", value: url),
            (keyword: "fallback_application_name", value: "carryon"), (keyword: "client_encoding", value: "UTF8"),
        ]
        if !isGiven, environment["PGCONNECT_TIMEOUT"] == nil {
            parameters.insert((keyword: "connect_timeout", value: "\(max(1, seconds))"), at: 0)
        }
        self.parameters = parameters
        servers = PostgresServers(given: given, environment: environment)
        let database = given["dbname"] ?? environment["PGDATABASE"]
        name = servers.name + (database.map { "/\($0)" } ?? "")
    }

    /// For all of the servers, one after the other.
    var connectTimeout: Duration { serverTimeout * servers.servers.count }

    private static func parse(_ url: String) throws(StoreError) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            // What libpq quotes of the URL may be its password.
            let said = message.map { String(cString: $0) } ?? ""
            if let message { PQfreemem(message) }
            let reason = said.prefix { $0 != "\"" }.trimmingCharacters(in: .whitespacesAndNewlines)
            throw StoreError(
                code: .rejected, operation: "reading the URL of the database",
                reason: reason.isEmpty ? "it is not one of PostgreSQL" : reason + " …")
        }
        defer { PQconninfoFree(options) }
        var given: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return given
    }
}
