internal import Foundation

/// Where PostgreSQL's server is installed, and as whom it runs.
enum PostgresExecutables {
    struct Missing: Error, CustomStringConvertible {
        let description: String
    }

    /// The directory with `initdb` and `postgres`: the newest of Debian's, or where `PATH` says.
    static func directory() throws -> String {
        let files = FileManager.default
        let root = "/usr/lib/postgresql"
        let versions = (try? files.contentsOfDirectory(atPath: root)) ?? []
        let installed = versions.sorted { Double($0) ?? 0 > Double($1) ?? 0 }.map { "\(root)/\($0)/bin" }
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for directory in installed + path where files.isExecutableFile(atPath: directory + "/postgres") {
            return directory
        }
        throw Missing(
            description: "No PostgreSQL server to test with: install the package postgresql (deploy/prepare --tests).")
    }

    /// The server refuses to run as root.
    static func account() throws -> passwd? {
        guard getuid() == 0 else { return nil }
        guard let account = getpwnam("postgres") ?? getpwnam("nobody") else {
            throw Missing(description: "PostgreSQL does not run as root, and there is neither postgres nor nobody.")
        }
        return account.pointee
    }

    /// The command in words, as the account that the server runs as.
    static func command(_ executable: String, _ arguments: [String]) throws -> (executable: String, arguments: [String])
    {
        guard let account = try account() else { return (executable, arguments) }
        // The kernel forgets the signal of the parent's death when the user changes: it is asked for again after that.
        let change = ["--reuid=\(account.pw_uid)", "--regid=\(account.pw_gid)", "--clear-groups", "--"]
        return ("setpriv", change + ["setpriv", "--pdeathsig", "KILL", "--", executable] + arguments)
    }
}
