internal import CPostgres

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// One connection to the server, in libpq's pipeline mode: any number of statements go out before the first answer is
/// awaited. Used by one thread at a time, which its calls block for no longer than they are told.
final class PostgresConnection {
    private let handle: OpaquePointer
    private var prepared: Set<String> = []
    /// Whether answers are outstanding that nobody waits for any more.
    private var isBroken = false

    /// - Throws: ``PostgresFailure`` if no connection comes about in time.
    init(_ address: PostgresAddress, deadline: ContinuousClock.Instant) throws(PostgresFailure) {
        handle = try PostgresLogin.connect(address, deadline: deadline)
    }

    deinit {
        PQfinish(handle)
    }

    /// The server's version: 150004 is 15.4.
    var serverVersion: Int { Int(PQserverVersion(handle)) }

    func parameter(_ name: String) -> String? { PQparameterStatus(handle, name).map { String(cString: $0) } }

    /// False if the server has ended the connection while nobody asked anything of it. Costs no round trip.
    func isAlive() -> Bool {
        guard !isBroken else { return false }
        // The server's last words come before the end of the connection.
        for _ in 0..<4 {
            var entry = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 0) > 0 else { break }
            guard PQconsumeInput(handle) == 1 else { return false }
        }
        return PQstatus(handle) == CONNECTION_OK
    }

    /// Sends all segments at once and waits for all answers. A statement that the server refuses ends its own segment,
    /// and the others go on.
    ///
    /// - Returns: for each segment what its statements returned, or what was refused.
    /// - Throws: ``PostgresFailure/lost(reason:state:)``: the connection is of no more use.
    func exchange(
        _ segments: [[PostgresQuery]], deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> [Result<[PostgresRows], PostgresFailure>] {
        do throws(PostgresFailure) {
            let preparing = try prepare(segments)
            for segment in segments {
                for query in segment { try send(query) }
                try synchronize()
            }
            let preparation = preparing.isEmpty ? .success([]) : try receive(preparing.count, deadline)
            if case .success = preparation { prepared.formUnion(preparing) }
            var results: [Result<[PostgresRows], PostgresFailure>] = []
            for segment in segments { results.append(try receive(segment.count, deadline)) }
            guard case .failure = preparation else { return results }
            // Some of the statements may be prepared all the same, and nobody knows which.
            isBroken = true
            return results.map { _ in preparation }
        } catch {
            isBroken = true
            throw error
        }
    }

    /// Sends what the connection does not know yet of the statements, ahead of all segments: in one of them, it would
    /// be gone with the segment if something before it were refused.
    private func prepare(_ segments: [[PostgresQuery]]) throws(PostgresFailure) -> [String] {
        var names: [String] = []
        for statement in segments.lazy.joined().map(\.statement) {
            guard let name = statement.name, !prepared.contains(name), !names.contains(name) else { continue }
            guard PQsendPrepare(handle, name, statement.sql, 0, nil) == 1 else { throw lost() }
            names.append(name)
        }
        if !names.isEmpty { try synchronize() }
        return names
    }

    private func synchronize() throws(PostgresFailure) {
        guard PQpipelineSync(handle) == 1 else { throw lost() }
    }

    /// One segment.
    func ask(_ queries: [PostgresQuery], deadline: ContinuousClock.Instant) throws(PostgresFailure) -> [PostgresRows] {
        guard let result = try exchange([queries], deadline: deadline).first else { return [] }
        return try result.get()
    }

    private func send(_ query: PostgresQuery) throws(PostgresFailure) {
        let statement = query.statement
        let count = Int32(query.arguments.places.count)
        let lengths = query.arguments.places.map { Int32(clamping: $0?.count ?? 0) }
        let formats = lengths.map { _ in 1 as Int32 }
        let sent = query.arguments.withPointers { values in
            statement.name.map { PQsendQueryPrepared(handle, $0, count, values, lengths, formats, 1) }
                ?? PQsendQueryParams(handle, statement.sql, count, nil, values, lengths, formats, 1)
        }
        guard sent == 1 else { throw lost() }
    }

    /// The results of this many statements, and the end of their segment.
    private func receive(
        _ count: Int, _ deadline: ContinuousClock.Instant
    ) throws(PostgresFailure) -> Result<[PostgresRows], PostgresFailure> {
        var rows: [PostgresRows] = []
        var refusal: PostgresFailure?
        for _ in 0..<count {
            guard let result = try next(deadline) else { throw lost() }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
                rows.append(PostgresRows(result))
            case PGRES_PIPELINE_ABORTED:
                PQclear(result)
            default:
                defer { PQclear(result) }
                let failure = try failure(result)
                refusal = refusal ?? failure
            }
            // The end of this statement's results.
            while let more = try next(deadline) { PQclear(more) }
        }
        guard let synchronized = try next(deadline) else { throw lost() }
        defer { PQclear(synchronized) }
        guard PQresultStatus(synchronized) == PGRES_PIPELINE_SYNC else { throw lost() }
        return refusal.map { .failure($0) } ?? .success(rows)
    }

    /// What a failed result means. Throws if it is the connection's end.
    private func failure(_ result: OpaquePointer) throws(PostgresFailure) -> PostgresFailure {
        func field(_ code: Character) -> String? {
            let value = code.asciiValue.flatMap { PQresultErrorField(result, Int32($0)) }
            return value.map { String(cString: $0) }
        }
        let message = field("M") ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
        let text = [message, field("D")].compactMap { $0 }.joined(separator: "; ").onOneLine
        guard let state = field("C") else { throw .lost(reason: text, state: nil) }
        guard PQstatus(handle) == CONNECTION_OK, !PostgresFailure.endsConnection(state: state) else {
            throw .lost(reason: text, state: state)
        }
        return .refused(state: state, message: text)
    }

    private func next(_ deadline: ContinuousClock.Instant) throws(PostgresFailure) -> OpaquePointer? {
        while true {
            let unsent = PQflush(handle)
            if unsent < 0, PQstatus(handle) != CONNECTION_OK { return PQgetResult(handle) }
            if PQisBusy(handle) == 0 { return PQgetResult(handle) }
            let events = try PostgresLogin.wait(
                for: unsent > 0 ? POLLIN | POLLOUT : POLLIN, on: PQsocket(handle), deadline: deadline)
            // What the server said before the end is still to be had as a result.
            if events & ~Int16(POLLOUT) != 0, PQconsumeInput(handle) == 0 { return PQgetResult(handle) }
        }
    }

    private func lost() -> PostgresFailure {
        .lost(reason: PostgresLogin.message(of: handle) ?? "the connection broke", state: nil)
    }
}

extension PostgresArguments {
    func withPointers<Result>(_ body: ([UnsafePointer<CChar>?]) -> Result) -> Result {
        bytes.withUnsafeBytes { buffer in
            // A nil pointer would mean NULL, and an empty buffer may have no address: any other one will do for a
            // value without bytes.
            let start = buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
            return body(
                places.map { place in
                    place.flatMap { start?.advanced(by: $0.lowerBound).assumingMemoryBound(to: CChar.self) }
                })
        }
    }
}

extension String {
    /// libpq ends its messages with a newline, and some have several lines.
    var onOneLine: String { split(whereSeparator: \.isNewline).joined(separator: "; ") }
}
