import Conversation
import Hummingbird

/// `GET /v1/operations` and, in `carryon dev`, `POST /v1/development/kill`.
struct OperationsRoutes: Sendable {
    let operations: GatewayOperations
    let maxBodyBytes: Int

    func add(to group: RouterGroup<GatewayContext>) {
        group.get("operations") { _, context in
            try context.require(.read, session: nil)
            return Response(await overview())
        }
        guard let kill = operations.kill else { return }
        group.post("development/kill") { request, context in
            try context.require(.write, session: nil)
            let body = try await request.jsonObject(atMost: maxBodyBytes)
            let victim = try Self.victim(in: body)
            guard await kill(victim) else {
                throw GatewayError(
                    .conflict, "nothing_to_kill", "There is no \(victim.rawValue) at the moment: it is being started.",
                    param: "what")
            }
            return Response(["killed": .string(victim.rawValue)])
        }
    }

    private func overview() async -> JSON {
        async let workers = operations.workers()
        var object: JSONObject = ["development": .bool(operations.kill != nil)]
        switch await operations.deadLetters() {
        case .letters(let letters): object["deadLetters"] = .array(letters)
        case .unknown(let reason):
            object["deadLetters"] = .array([])
            object["deadLettersError"] = .string(reason)
        }
        object["workers"] = .array(await workers)
        return .object(object)
    }

    private static func victim(in body: JSONObject) throws -> GatewayOperations.Victim {
        guard let name = body["what"]?.stringValue, let victim = GatewayOperations.Victim(rawValue: name) else {
            let names = GatewayOperations.Victim.allCases.map(\.rawValue).joined(separator: ", ")
            throw GatewayError(
                .badRequest, "invalid_victim", "What is to be killed is one of: \(names).", param: "what")
        }
        return victim
    }
}
