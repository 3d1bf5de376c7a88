public import Conversation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One call of a tool, as the tool's body sees it.
public struct ToolCall: Sendable {
    /// The call's id: the same in every run of the turn, so that it serves as an idempotency key.
    public let id: String
    /// The tool that was called.
    public let toolName: String
    /// The input, which satisfies the tool's schema.
    public let input: JSON
    /// The turn that the call is made in.
    public let turn: TurnIdentity
    let onPreliminary: @Sendable (JSON) async throws -> Void

    package init(
        id: String, toolName: String, input: JSON, turn: TurnIdentity,
        onPreliminary: @escaping @Sendable (JSON) async throws -> Void
    ) {
        self.id = id
        self.toolName = toolName
        self.input = input
        self.turn = turn
        self.onPreliminary = onPreliminary
    }

    /// Shows readers a preliminary output, which a later one replaces.
    /// - Throws: `CancellationError` when the call was ended.
    public func report(_ preliminary: JSON) async throws {
        try await onPreliminary(preliminary)
    }

    /// The input as a value of `Value`.
    /// - Throws: `DecodingError`.
    public func decodeInput<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(input.serialized()))
    }
}
