import AsyncHTTPClient
import Conversation
import Kafka
import Logging
import NIOCore
import NIOHTTP1
import SessionStore
import Synchronization
import Telemetry
import TestSupport
import Testing
import TurnHost

@testable import CarryonService
@testable import Consumer

/// In the place of a worker: notes what it is to do.
private final class NotedControl: WorkerControl {
    private let noted = Mutex<[String]>([])
    private let parks = Mutex<[ParkedSession]>([])

    var calls: [String] { noted.withLock { $0 } }

    func note(_ call: String) { noted.withLock { $0.append(call) } }

    func pause(partition: Int32, because reason: String) async -> PausedPartition? {
        guard partition < 3 else { return nil }
        note("pause \(partition): \(reason)")
        return PausedPartition(partition: partition, isAssigned: partition == 0, reason: reason)
    }

    func resume(partition: Int32) async -> PausedPartition? {
        guard partition < 3 else { return nil }
        note("resume \(partition)")
        return PausedPartition(partition: partition, isAssigned: true, reason: nil)
    }

    func park(session: String, because reason: String) async throws(StoreError) -> ParkedSession {
        if session == "away" { throw StoreError(code: .unavailable, operation: "parking", reason: "it is away") }
        note("park \(session): \(reason)")
        let park = ParkedSession(session: session, reason: reason, since: 0)
        parks.withLock { $0.append(park) }
        return park
    }

    func release(session: String) async throws(StoreError) -> ParkedSession? {
        note("release \(session)")
        guard var park = parks.withLock({ $0.first { $0.session == session } }) else { return nil }
        park.isReleasing = true
        return park
    }

    func parkedSessions() async throws(StoreError) -> [ParkedSession] { parks.withLock { $0 } }
}

/// An admin address with a worker behind it that only notes.
private struct AdminAddress {
    let control: NotedControl
    let port: Int

    struct Answer {
        var status: UInt
        var body: JSON
        var error: String? { body["error"]?["code"]?.stringValue }
        var param: String? { body["error"]?["param"]?.stringValue }
    }

    /// - Parameter host: where it is said to be.
    static func with(
        key: String? = nil, host: String = "127.0.0.1", settings: Settings = Settings(),
        _ body: (AdminAddress) async throws -> Void
    ) async throws {
        let control = NotedControl()
        let port = Int(try LoopbackSocket.freePort())
        let live = LiveSettings(settings) { control.note("concurrency \($0.concurrency), crashes \($0.crashAttempts)") }
        let server = AdminServer(
            address: ListenAddress(host: "127.0.0.1", port: port), mayMove: false,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            metrics: MetricsRegistry(labelsConversation: false, now: { 0 }),
            report: {
                WorkerReport(
                    health: WorkerHealth(checks: []), status: ConsumerStatus(partitions: [], hosts: [], holds: []),
                    worker: [:])
            },
            routes: AdminRoutes(
                control: control, settings: live,
                guarding: AdminGuard(key: key, address: ListenAddress(host: host, port: port))))
        let running = Task { try await server.run() }
        defer { running.cancel() }
        let address = AdminAddress(control: control, port: port)
        try await eventually(timeout: .seconds(30), every: .milliseconds(20)) {
            (try? await address.ask(.GET, "healthz"))?.status == 200
        }
        try await body(address)
    }

    func ask(
        _ method: HTTPMethod, _ path: String, _ body: String? = nil, headers: [String: String] = [:]
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/\(path)")
        request.method = method
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let body { request.body = .bytes(Array(body.utf8)) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return Answer(status: response.status.code, body: (try? JSON(parsing: Array(bytes.readableBytesView))) ?? .null)
    }
}

@Suite("Changes at the admin address", .timeLimit(.minutes(2)))
struct AdminRoutesTests {
    private static let pause = ("admin/partitions/0/pause", #"{"reason":"why"}"#)

    @Test("Settings are shown with where they come from and what they accept, and changed all together")
    func settings() async throws {
        let given = try resolveSettings(["--crash-attempts", "5"])
        try await AdminAddress.with(settings: given) { address in
            let before = try await address.ask(.GET, "admin/settings")
            let names = before.body["settings"]?.arrayValue?.map { $0["name"]?.stringValue }
            #expect(names == ["concurrency", "crash-attempts", "out-of-memory-attempts"])
            let first = before.body["settings"]?.arrayValue?[0]
            #expect(first?["value"]?.int == 4096 && first?["origin"]?.stringValue == "default")
            #expect(first?["minimum"]?.int == 1 && first?["maximum"]?.int == 1_000_000)
            let second = before.body["settings"]?.arrayValue?[1]
            #expect(second?["value"]?.int == 5 && second?["origin"]?.stringValue != "default")

            let body = #"{"concurrency":7,"crash-attempts":"2"}"#
            let changed = try await address.ask(.PATCH, "admin/settings", body)
            #expect(changed.status == 200)
            #expect(address.control.calls == ["concurrency 7, crashes 2"])
            let after = try await address.ask(.GET, "admin/settings")
            #expect(after.body == changed.body)
            let values = after.body["settings"]?.arrayValue?.map { $0["value"]?.int }
            #expect(values == [7, 2, 2])
            #expect(after.body["settings"]?.arrayValue?[0]["origin"]?.stringValue == "changed while running")
        }
    }

    @Test(
        "A change that is not right in all of it changes nothing, and says where it is wrong",
        arguments: [
            (#"{"concurrency":7,"crash-attempts":0}"#, "malformed_value", "crash-attempts"),
            (#"{"concurrency":1.5}"#, "malformed_value", "concurrency"),
            (#"{"concurrency":1000001}"#, "malformed_value", "concurrency"),
            (#"{"concurrency":null}"#, "malformed_value", "concurrency"),
            (#"{"concurrency":7,"hosts":3}"#, "not_live", "hosts"),
            (#"{"concurrency":7,"concurency":3}"#, "unknown_setting", "concurency"),
            ("{}", "nothing_to_change", "body"), ("[]", "not_an_object", "body"), ("{", "invalid_json", "body"),
        ])
    func refusedSettings(_ body: String, code: String, param: String) async throws {
        try await AdminAddress.with { address in
            let before = try await address.ask(.GET, "admin/settings").body
            let answer = try await address.ask(.PATCH, "admin/settings", body)
            #expect(answer.status == 400 && answer.error == code && answer.param == param)
            #expect(address.control.calls == [])
            #expect(try await address.ask(.GET, "admin/settings").body == before)
        }
    }

    @Test("Partitions are paused with a reason and resumed")
    func partitions() async throws {
        try await AdminAddress.with { address in
            let paused = try await address.ask(.POST, "admin/partitions/0/pause", #"{"reason":" a bad batch "}"#)
            #expect(paused.status == 200)
            #expect(
                paused.body == ["partition": 0, "paused": true, "assigned": true, "reason": "a bad batch"])
            let resumed = try await address.ask(.POST, "admin/partitions/0/resume")
            #expect(resumed.body == ["partition": 0, "paused": false, "assigned": true])
            #expect(address.control.calls == ["pause 0: a bad batch", "resume 0"])
        }
    }

    @Test("Sessions are parked with a reason, listed and released, whatever is in their ids")
    func sessions() async throws {
        try await AdminAddress.with { address in
            let parked = try await address.ask(.POST, "admin/sessions/a%2Fb%20%C3%A9/park", #"{"reason":"broken"}"#)
            #expect(parked.status == 200)
            #expect(
                parked.body == [
                    "session": "a/b é", "state": "parked", "reason": "broken", "since": "1970-01-01T00:00:00.000Z",
                ])
            let list = try await address.ask(.GET, "admin/parked")
            #expect(list.body == ["parked": [parked.body]])
            let released = try await address.ask(.POST, "admin/sessions/a%2Fb%20%C3%A9/release", "{}")
            #expect(released.status == 202 && released.body["state"]?.stringValue == "releasing")
            let unknown = try await address.ask(.POST, "admin/sessions/x/release")
            #expect(unknown.status == 200 && unknown.body == ["session": "x", "state": "not parked"])
            #expect(
                address.control.calls == ["park a/b é: broken", "release a/b é", "release x"])
            let away = try await address.ask(.POST, "admin/sessions/away/park", #"{"reason":"broken"}"#)
            #expect(away.status == 503 && away.error == "unavailable")
        }
    }

    @Test(
        "A call that makes no sense does nothing and says why",
        arguments: [
            ("admin/partitions/x/pause", #"{"reason":"why"}"#, 400, "invalid_partition", "partition"),
            ("admin/partitions/-1/pause", #"{"reason":"why"}"#, 400, "invalid_partition", "partition"),
            ("admin/partitions/3/pause", #"{"reason":"why"}"#, 404, "no_such_partition", "partition"),
            ("admin/partitions/3/resume", "", 404, "no_such_partition", "partition"),
            ("admin/partitions/0/pause", "", 400, "reason_missing", "reason"),
            ("admin/partitions/0/pause", #"{"reason":"  "}"#, 400, "reason_missing", "reason"),
            ("admin/partitions/0/pause", #"{"reason":7}"#, 400, "reason_missing", "reason"),
            ("admin/partitions/0/pause", #"{"reason":"why","for":"1h"}"#, 400, "unknown_member", "for"),
            ("admin/partitions/0/resume", #"{"reason":"why"}"#, 400, "unknown_member", "reason"),
            (
                "admin/sessions/s/park", #"{"reason":"\#(String(repeating: "é", count: 501))"}"#, 400,
                "reason_too_long", "reason"
            ),
            ("admin/sessions/%00/park", #"{"reason":"why"}"#, 400, "invalid_session_id", "session"),
            ("admin/sessions/s/park", String(repeating: " ", count: 1 << 17), 413, "body_too_large", "body"),
        ])
    func refused(_ path: String, body: String, status: UInt, code: String, param: String) async throws {
        try await AdminAddress.with { address in
            let answer = try await address.ask(.POST, path, body)
            #expect(answer.status == status && answer.error == code && answer.param == param, "\(answer.body)")
            #expect(address.control.calls == [])
        }
    }

    @Test("With a key, a change needs it and a look does not")
    func key() async throws {
        try await AdminAddress.with(key: "secret-key", host: "10.0.0.1") { address in
            let (path, body) = Self.pause
            let without = try await address.ask(.POST, path, body)
            #expect(without.status == 401 && without.error == "missing_token")
            for header in ["Bearer secret-kez", "Bearer secret-key2", "Bearer", "Basic secret-key", "secret-key"] {
                let wrong = try await address.ask(.POST, path, body, headers: ["authorization": header])
                #expect(wrong.status == 401 && wrong.error == "invalid_token")
            }
            for look in ["admin/settings", "admin/parked", "status"] {
                #expect(try await address.ask(.GET, look).status == 200)
            }
            #expect(address.control.calls == [])
            let right = try await address.ask(.POST, path, body, headers: ["authorization": "bearer secret-key"])
            #expect(right.status == 200 && address.control.calls.count == 1)
        }
    }

    @Test("Without a key, nothing is changed from where others could reach it")
    func noKey() async throws {
        for host in ["0.0.0.0", "10.0.0.1", "::"] {
            try await AdminAddress.with(host: host) { address in
                let answer = try await address.ask(.POST, Self.pause.0, Self.pause.1)
                #expect(answer.status == 403 && answer.error == "admin_key_needed")
                let settings = try await address.ask(.PATCH, "admin/settings", #"{"concurrency":7}"#)
                #expect(settings.status == 403)
                #expect(try await address.ask(.GET, "admin/settings").status == 200)
                #expect(address.control.calls == [])
            }
        }
    }

    @Test("A page of another origin changes nothing, with a key or without, nor does one behind a borrowed name")
    func origins() async throws {
        for key in [nil, "secret-key"] {
            try await AdminAddress.with(key: key) { address in
                let (path, body) = Self.pause
                var headers = ["authorization": "Bearer secret-key", "origin": "https://example.com"]
                let foreign = try await address.ask(.POST, path, body, headers: headers)
                #expect(foreign.status == 403 && foreign.error == "foreign_origin")
                headers["origin"] = "null"
                #expect(try await address.ask(.POST, path, body, headers: headers).error == "foreign_origin")
                #expect(address.control.calls == [])
                headers["origin"] = "http://127.0.0.1:\(address.port)"
                #expect(try await address.ask(.POST, path, body, headers: headers).status == 200)
            }
        }
        try await AdminAddress.with { address in
            let headers = ["host": "example.com:\(address.port)", "origin": "http://example.com:\(address.port)"]
            let answer = try await address.ask(.POST, Self.pause.0, Self.pause.1, headers: headers)
            #expect(answer.status == 403 && answer.error == "foreign_host")
            #expect(address.control.calls == [])
        }
    }
}
