import Conversation

/// Reads one provider's events.
protocol AnswerReader {
    /// Why the answer ended, once the provider has said so.
    var finishReason: FinishReason? { get }
    /// Whether the provider has said that nothing more comes.
    var isDone: Bool { get }

    /// Reads the data of one event.
    mutating func read(_ data: [UInt8]) throws -> [AnswerPiece]
}

extension AnswerReader {
    /// Reads events and writes what they say, until the provider has said all or the stream ends.
    mutating func readAll(
        _ events: inout AnswerEvents, into writer: inout AnswerWriter, _ emit: @Sendable (Chunk) async throws -> Void
    ) async throws {
        while !isDone {
            let event: ServerSentEvent?
            do {
                event = try await events.next()
            } catch is ProviderFailure where finishReason != nil {
                // The answer is complete; what failed is its epilogue.
                event = nil
            }
            guard let event else { return }
            for piece in try read(event.data) { try await writer.write(piece, emit) }
            if finishReason != nil { events.expectEnd() }
        }
    }
}
