import Conversation
import Foundation
import Hummingbird
import SessionStore

/// The calls that are answered from the session store.
struct StoreRoutes: Sendable {
    let store: any SessionStore

    func addSessions(to group: RouterGroup<GatewayContext>) {
        group.get { request, context in
            try context.require(.read, session: nil)
            let page = try await store.listSessions(
                after: request.uri.queryParameters.get("cursor"), limit: try Self.limit(request))
            return Response(Self.page("sessions", page.items.map(\.json), page.cursor))
        }
        group.get("{id}") { _, context in
            let id = try context.sessionID()
            try context.require(.read, session: id)
            guard let session = try await store.loadSession(id) else { throw GatewayError.notFound("such session") }
            return Response(try session.json)
        }
        group.get("{id}/messages") { request, context in
            let id = try context.sessionID()
            try context.require(.read, session: id)
            return Response(try await messages(of: id, request))
        }
    }

    func addRuns(to group: RouterGroup<GatewayContext>) {
        group.get { request, context in
            let query = request.uri.queryParameters
            let session = query.get("session")
            try context.require(.read, session: session)
            let regions = query.get("region").map { text in
                text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
            }
            let page = try await store.listRuns(
                session: session, status: try Self.status(request), regions: regions, cursor: query.get("cursor"),
                limit: try Self.limit(request))
            return Response(Self.page("runs", page.items.map(\.json), page.cursor))
        }
        // A session's id may hold slashes, as a run's always does.
        group.get("**") { _, context in
            let id = context.parameters.getCatchAll().joined(separator: "/").removingPercentEncoding ?? ""
            guard let parts = StoredRun.parts(ofID: id) else { throw GatewayError.notFound("such run") }
            try context.require(.read, session: parts.session)
            guard let run = try await store.run(id) else { throw GatewayError.notFound("such run") }
            return Response(run.json)
        }
    }

    private func messages(of session: String, _ request: Hummingbird.Request) async throws -> JSON {
        let limit = try Self.limit(request, maximum: 1000, standard: 1000)
        var after: Int?
        if let cursor = request.uri.queryParameters.get("cursor") {
            guard let index = Int(cursor), index >= 0 else {
                throw GatewayError(
                    .badRequest, "invalid_cursor", "The cursor is none that a list has given.", param: "cursor")
            }
            after = index
        }
        guard try await store.sessionHead(session) != nil else { throw GatewayError.notFound("such session") }
        let stored = try await store.messages(session: session, afterIndex: after, limit: limit + 1)
        let shown = stored.prefix(limit)
        let next = stored.count > limit ? String((after ?? -1) + limit) : nil
        return Self.page("messages", try shown.map { try JSON(parsing: $0.body) }, next)
    }

    private static func page(_ name: String, _ items: [JSON], _ cursor: String?) -> JSON {
        var object: JSONObject = [name: .array(items)]
        object["cursor"] = cursor.map(JSON.string)
        return .object(object)
    }

    private static func status(_ request: Hummingbird.Request) throws -> RunStatus? {
        guard let text = request.uri.queryParameters.get("status") else { return nil }
        guard let status = RunStatus(rawValue: text) else {
            throw GatewayError(
                .badRequest, "invalid_status",
                "A run's status is one of: \(RunStatus.allCases.map(\.rawValue).joined(separator: ", ")).",
                param: "status")
        }
        return status
    }

    private static func limit(
        _ request: Hummingbird.Request, maximum: Int = 1000, standard: Int = 50
    ) throws -> Int {
        guard let text = request.uri.queryParameters.get("limit") else { return standard }
        guard let limit = Int(text), (1...maximum).contains(limit) else {
            throw GatewayError(
                .badRequest, "invalid_limit", "The limit is a number from 1 to \(maximum).", param: "limit",
                details: ["maximum": .number(JSONNumber(maximum))])
        }
        return limit
    }
}
