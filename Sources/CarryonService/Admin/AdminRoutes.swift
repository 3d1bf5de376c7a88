import Conversation
import Gateway
import HTTPTypes
import Hummingbird
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
        admin.get("settings") { [settings] _, _ in Response(await settings.json) }
        admin.get("parked") { [self] _, _ in
            try await answered { Response(["parked": .array(try await control.parkedSessions().map(\.json))]) }
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
        try await answered {
            try await guarding.check(request)
            let (status, json) = try await change(try await request.jsonObject(atMost: Self.largestBody))
            return Response(json, status: status)
        }
    }

    private func answered(_ answer: () async throws -> Response) async throws -> Response {
        do {
            return try await answer()
        } catch let error as GatewayError {
            return error.response
        } catch let error as StoreError {
            return GatewayError(
                .serviceUnavailable, "unavailable", "The session store does not answer: \(error)"
            ).response
        }
    }

    private static func refuseMembers(of body: JSONObject, butFor known: String? = nil) throws(GatewayError) {
        for (name, _) in body where name != known {
            throw GatewayError(.badRequest, "unknown_member", "The call takes no such member.", param: name)
        }
    }

    private static func reason(_ body: JSONObject) throws(GatewayError) -> String {
        try refuseMembers(of: body, butFor: "reason")
        guard let reason = body["reason"]?.stringValue?.trimmed, !reason.isEmpty else {
            throw GatewayError(.badRequest, "reason_missing", "A reason is needed, as text.", param: "reason")
        }
        guard reason.utf8.count <= longestReason else {
            throw GatewayError(
                .badRequest, "reason_too_long", "The reason must be \(longestReason) bytes or less.", param: "reason")
        }
        return reason
    }

    private static func partition(_ context: BasicRequestContext) throws(GatewayError) -> Int32 {
        guard let number = context.parameters.get("partition").flatMap({ Int32($0) }), number >= 0 else {
            throw GatewayError(
                .badRequest, "invalid_partition", "A partition is a number from 0 on.", param: "partition")
        }
        return number
    }

    private static func session(_ context: BasicRequestContext) throws(GatewayError) -> String {
        try SessionID.decoded(fromPath: context.parameters.get("session"), param: "session")
    }

    private static func json(_ partition: PausedPartition?) throws(GatewayError) -> JSON {
        guard let partition else {
            throw GatewayError(
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
