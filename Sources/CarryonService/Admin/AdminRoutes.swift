import Conversation
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import SessionStore

/// The calls under `/admin` of a worker's admin address.
struct AdminRoutes: Sendable {
    /// Bytes of a body, far above what any call needs.
    private static let largestBody = 64 << 10
    /// Bytes of a reason.
    private static let longestReason = 1_000

    let control: any WorkerControl
    let settings: LiveSettings
    let guarding: AdminGuard

    func add(to router: Router<BasicRequestContext>) {
        let admin = router.group("admin")
        admin.get("settings") { [settings] _, _ in Response(admin: await settings.json) }
        admin.get("parked") { [self] _, _ in
            try await answered { () throws in
                ["parked": .array(try await control.parkedSessions().map(\.json))]
            }
        }
        admin.patch("settings") { [self] request, _ in
            try await changed(request) { body in
                try await settings.change(body)
                return (.ok, await settings.json)
            }
        }
        admin.post("partitions/:partition/pause") { [self] request, context in
            try await changed(request) { body in
                let (partition, reason) = (try Self.partition(context), try Self.reason(body))
                return (.ok, try Self.json(await control.pause(partition: partition, because: reason)))
            }
        }
        admin.post("partitions/:partition/resume") { [self] request, context in
            try await changed(request) { body in
                try Self.refuseMembers(of: body)
                return (.ok, try Self.json(await control.resume(partition: try Self.partition(context))))
            }
        }
        admin.post("sessions/:session/park") { [self] request, context in
            try await changed(request) { body in
                let (session, reason) = (try Self.session(context), try Self.reason(body))
                return (.ok, try await control.park(session: session, because: reason).json)
            }
        }
        admin.post("sessions/:session/release") { [self] request, context in
            try await changed(request) { body in
                try Self.refuseMembers(of: body)
                let session = try Self.session(context)
                guard let park = try await control.release(session: session) else {
                    return (.ok, ["session": .string(session), "state": "not parked"])
                }
                return (.accepted, park.json)
            }
        }
    }

    /// Answers a call that changes something, if whoever calls may.
    private func changed(
        _ request: Request, _ change: (JSONObject) async throws -> (HTTPResponse.Status, JSON)
    ) async throws -> Response {
        var status = HTTPResponse.Status.ok
        var response = try await answered {
            try guarding.check(request)
            let (found, json) = try await change(try await Self.body(of: request))
            status = found
            return json
        }
        if response.status == .ok { response.status = status }
        return response
    }

    private func answered(_ answer: () async throws -> JSON) async throws -> Response {
        do {
            return Response(admin: try await answer())
        } catch let error as AdminError {
            var headers = HTTPFields()
            if error.status == .unauthorized { headers[.wwwAuthenticate] = "Bearer" }
            return Response(admin: error.json, status: error.status, headers: headers)
        } catch let error as StoreError {
            let refusal = AdminError(.serviceUnavailable, "unavailable", "The session store does not answer: \(error)")
            return Response(admin: refusal.json, status: refusal.status)
        }
    }

    private static func body(of request: Request) async throws -> JSONObject {
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: largestBody)
        } catch is NIOTooManyBytesError {
            throw AdminError(
                .contentTooLarge, "body_too_large", "The body must be \(largestBody) bytes or less.", param: "body")
        }
        guard buffer.readableBytes > 0 else { return [:] }
        let json: JSON
        do {
            json = try JSON(parsing: Array(buffer.readableBytesView))
        } catch {
            throw AdminError(.badRequest, "invalid_json", "The body is not JSON: \(error)", param: "body")
        }
        guard case .object(let object) = json else {
            throw AdminError(.badRequest, "not_an_object", "The body must be a JSON object.", param: "body")
        }
        return object
    }

    private static func refuseMembers(of body: JSONObject, butFor known: String? = nil) throws(AdminError) {
        for (name, _) in body where name != known {
            throw AdminError(.badRequest, "unknown_member", "The call takes no such member.", param: name)
        }
    }

    private static func reason(_ body: JSONObject) throws(AdminError) -> String {
        try refuseMembers(of: body, butFor: "reason")
        guard let reason = body["reason"]?.stringValue?.trimmed, !reason.isEmpty else {
            throw AdminError(.badRequest, "reason_missing", "A reason is needed, as text.", param: "reason")
        }
        guard reason.utf8.count <= longestReason else {
            throw AdminError(
                .badRequest, "reason_too_long", "The reason must be \(longestReason) bytes or less.", param: "reason")
        }
        return reason
    }

    private static func partition(_ context: BasicRequestContext) throws(AdminError) -> Int32 {
        guard let number = context.parameters.get("partition").flatMap({ Int32($0) }), number >= 0 else {
            throw AdminError(.badRequest, "invalid_partition", "A partition is a number from 0 on.", param: "partition")
        }
        return number
    }

    private static func session(_ context: BasicRequestContext) throws(AdminError) -> String {
        guard let decoded = (context.parameters.get("session") ?? "").removingPercentEncoding else {
            throw AdminError(
                .badRequest, "invalid_session_id", "The session id in the path is not percent-encoded UTF-8.",
                param: "session")
        }
        do {
            return try SessionID.validate(Array(decoded.utf8))
        } catch {
            throw AdminError(.badRequest, error.code, error.message, param: "session")
        }
    }

    private static func json(_ partition: PausedPartition?) throws(AdminError) -> JSON {
        guard let partition else {
            throw AdminError(
                .notFound, "no_such_partition", "The requests topic has no such partition.", param: "partition")
        }
        return partition.json
    }
}

extension PausedPartition {
    var json: JSON {
        var object: JSONObject = [
            "partition": .number(JSONNumber(Int(partition))), "paused": .bool(reason != nil),
            "assigned": .bool(isAssigned),
        ]
        object["reason"] = reason.map(JSON.string)
        return .object(object)
    }
}

extension ParkedSession {
    var json: JSON {
        [
            "session": .string(session), "state": isReleasing ? "releasing" : "parked", "reason": .string(reason),
            "since": .string(Timestamp(milliseconds: since).rfc3339),
        ]
    }
}

extension Response {
    /// A JSON body, which no cache may keep.
    fileprivate init(admin json: JSON, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) {
        var fields = headers
        fields[.contentType] = "application/json"
        fields[.cacheControl] = "no-store"
        self.init(
            status: status, headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.serialized() + [UInt8(ascii: "\n")])))
    }
}
