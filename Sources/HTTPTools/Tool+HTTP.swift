public import ChatAgent
public import Conversation

extension Tool {
    /// Makes a tool that a server carries out.
    ///
    /// Each call is one request with the input as JSON and the call's id as its `Idempotency-Key`, which is the same if
    /// the call is made again after a death. An answer of a 2xx status is the call's output: its body as JSON, as a text
    /// if it is not JSON, `null` if it is empty. Any other status, and a server that can't be reached or takes too long,
    /// make the call fail with a ``ToolError`` that says so; with a status, also with the first 500 characters of the
    /// body. Redirects are not followed. When the call is cancelled, its connection is closed.
    ///
    /// - Parameters:
    ///   - name: the name that the model calls it by.
    ///   - description: what it does, for the model.
    ///   - schema: what a call's input must be.
    ///   - endpoint: where the requests go.
    ///   - approval: whether somebody has to allow a call.
    ///   - timeout: how long a call may take; the endpoint has a time limit of its own.
    ///   - doubt: what is to be done about a call whose run died. A server that heeds the `Idempotency-Key` may be asked
    ///     again.
    ///   - modelOutput: what of an output the model is shown; `nil` shows all.
    public static func http(
        _ name: String, description: String, input schema: JSONSchema, endpoint: HTTPEndpoint,
        approval: Approval = .never, timeout: Duration = .seconds(60), doubt: Doubt = .reportUnknown,
        modelOutput: (@Sendable (JSON) -> JSON)? = nil
    ) -> Tool {
        let exchange = HTTPExchange(endpoint: endpoint)
        return Tool(
            name, description: description, input: schema, approval: approval, timeout: timeout, doubt: doubt,
            modelOutput: modelOutput
        ) { call in
            do {
                return try await exchange.perform(input: call.input, key: call.id)
            } catch let failure as HTTPExchange.Failure {
                throw ToolError("The tool \(name) \(failure.reason).")
            }
        }
    }
}
