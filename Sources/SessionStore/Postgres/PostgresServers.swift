/// The servers that an address names, each to be tried by itself, in order.
///
/// libpq can try several too, but waits for one that is silent for as long as the whole attempt may take: when the program
/// waits for the socket itself, `connect_timeout` does not apply.
struct PostgresServers: Sendable {
    struct Server: Sendable, Hashable {
        /// "127.0.0.1:5432", or empty if it is all left to libpq.
        var name: String
        /// What the connection is told beyond the address's parameters.
        var parameters: [String: String]
    }

    let servers: [Server]

    /// - Parameters:
    ///   - given: what the URL says.
    ///   - environment: where the rest is looked for.
    init(given: [String: String], environment: [String: String]) {
        func list(_ text: String?) -> [String] {
            guard let text, !text.isEmpty else { return [] }
            return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let addresses = list(given["hostaddr"] ?? environment["PGHOSTADDR"])
        let hosts = list(given["host"] ?? environment["PGHOST"])
        let ports = list(given["port"] ?? environment["PGPORT"])
        let count = max(hosts.count, addresses.count)
        // What does not fit together, libpq has a word for; and what is left out in a list, a default.
        let isComplete = [hosts, addresses].allSatisfy { $0.isEmpty || ($0.count == count && !$0.contains("")) }
        guard count > 1, isComplete, [0, 1, count].contains(ports.count) else {
            let host = given["host"] ?? given["hostaddr"] ?? environment["PGHOST"] ?? "the local socket"
            let port = given["port"] ?? environment["PGPORT"]
            servers = [Server(name: host + (port.map { ":\($0)" } ?? ""), parameters: [:])]
            return
        }
        servers = (0..<count).map { index in
            let port = ports.isEmpty ? "" : ports[ports.count == 1 ? 0 : index]
            var parameters = ["port": port.isEmpty ? "5432" : port]
            if !hosts.isEmpty { parameters["host"] = hosts[index] }
            if !addresses.isEmpty { parameters["hostaddr"] = addresses[index] }
            let host = hosts.isEmpty ? addresses[index] : hosts[index]
            return Server(name: "\(host):\(parameters["port"] ?? "")", parameters: parameters)
        }
    }

    var name: String { servers.map(\.name).joined(separator: ",") }
}
