internal import CPostgres

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// How a connection comes about.
enum PostgresLogin {
    /// The SQLSTATE of a client that cannot establish a connection.
    private static let unreachable = "08001"

    /// Connects to the first of the servers that takes the connection, and turns pipeline mode on. Blocks until the
    /// deadline, or for the address's own time if that is shorter; no server takes the time of those behind it.
    static func connect(
        _ address: PostgresAddress, deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> OpaquePointer {
        let servers = address.servers.servers
        var failures: [PostgresFailure] = []
        for (index, server) in servers.enumerated() {
            let share = ContinuousClock.now.duration(to: deadline) / (servers.count - index)
            do throws(PostgresFailure) {
                let parameters = address.parameters + server.parameters.map { (keyword: $0.key, value: $0.value) }
                return try connect(parameters, deadline: .now + min(share, address.serverTimeout))
            } catch {
                failures.append(servers.count > 1 ? error.at(server.name) : error)
                if !error.isOfOneServer { break }
            }
        }
        let reason = failures.map(\.description).joined(separator: "; ")
        // A server that is merely away may come back, whatever there is to mend about the others.
        let isMixed = failures.contains(where: \.isOfSettings) && !failures.allSatisfy(\.isOfSettings)
        let mayComeBack = isMixed && failures.last?.isOfOneServer == true
        throw .lost(reason: reason, state: mayComeBack ? unreachable : failures.last.flatMap(\.state))
    }

    private static func connect(
        _ parameters: [(keyword: String, value: String)], deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> OpaquePointer {
        guard let handle = start(parameters) else { throw .lost(reason: "there is no memory left", state: nil) }
        do throws(PostgresFailure) {
            // Only then does a refusal to connect tell its SQLSTATE.
            PQsetErrorVerbosity(handle, PQERRORS_VERBOSE)
            try finish(handle, deadline)
            PQsetErrorVerbosity(handle, PQERRORS_DEFAULT)
            // Otherwise libpq writes notices to standard error.
            PQsetNoticeReceiver(handle, { _, _ in }, nil)
            guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
                throw .lost(reason: message(of: handle) ?? "no pipeline mode", state: nil)
            }
            return handle
        } catch {
            PQfinish(handle)
            throw error
        }
    }

    private static func start(_ parameters: [(keyword: String, value: String)]) -> OpaquePointer? {
        var keywords: [UnsafeMutablePointer<CChar>?] = parameters.map { strdup($0.keyword) }
        var values: [UnsafeMutablePointer<CChar>?] = parameters.map { strdup($0.value) }
        defer { for pointer in keywords + values { free(pointer) } }
        keywords.append(nil)
        values.append(nil)
        return PQconnectStartParams(keywords.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 1)
    }

    private static func finish(
        _ handle: OpaquePointer, _ deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) {
        guard PQstatus(handle) != CONNECTION_BAD else { throw refusal(of: handle) }
        var state = PGRES_POLLING_WRITING
        while state != PGRES_POLLING_OK {
            guard state != PGRES_POLLING_FAILED else { throw refusal(of: handle) }
            _ = try wait(
                for: state == PGRES_POLLING_READING ? POLLIN : POLLOUT, on: PQsocket(handle), deadline: deadline)
            state = PQconnectPoll(handle)
        }
    }

    private static func refusal(of handle: OpaquePointer) -> PostgresFailure {
        let text = message(of: handle) ?? "no connection"
        // "FATAL:  28P01: password authentication failed": five capitals and digits; "FATAL" itself has no digit.
        let state = text.split(separator: ":").map { $0.trimmingPrefix(while: { $0 == " " }) }.first { part in
            part.utf8.count == 5 && part.contains(where: \.isNumber)
                && part.allSatisfy { $0.isASCII && ($0.isNumber || $0.isUppercase) }
        }
        let advice = TLSObjection(text).map { "; \($0.advice)" } ?? ""
        return .lost(reason: text + advice, state: state.map(String.init))
    }

    /// Without the lines that say where in its source the server was.
    static func message(of handle: OpaquePointer) -> String? {
        guard let text = PQerrorMessage(handle).map({ String(cString: $0) }) else { return nil }
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("LOCATION:") }
        return lines.isEmpty ? nil : lines.joined(separator: "; ")
    }

    /// Blocks the thread until one of the events has come, and returns which.
    static func wait(
        for events: Int32, on socket: Int32, deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> Int16 {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            guard milliseconds >= 0 else { throw .lost(reason: "the server does not answer", state: nil) }
            var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, Int32(clamping: milliseconds + 1))
            if count > 0 { return entry.revents }
            guard count == 0 || errno == EINTR else {
                return entry.revents
            }
        }
    }
}
