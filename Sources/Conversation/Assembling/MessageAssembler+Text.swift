extension MessageAssembler {
    mutating func beginText(_ start: TextBoundary, _ seq: Int64?) {
        // An id that is used again while it is open ends the part that had it.
        if let index = openTexts[start.id] { changeText(at: index) { $0.state = .done } }
        let part = TextPart("", state: .streaming, providerMetadata: start.providerMetadata)
        openTexts[start.id] = append(.text(part), seq)
    }

    mutating func appendText(_ delta: TextDelta, _ chunk: Chunk, _ seq: Int64?) throws(AssemblyError) {
        guard let index = openTexts[delta.id] else { throw notOpen(delta.id, chunk) }
        changeText(at: index) { part in
            part.text += delta.delta
            if let metadata = delta.providerMetadata { part.providerMetadata = metadata }
        }
        touch(index, seq)
    }

    mutating func endText(_ end: TextBoundary, _ chunk: Chunk, _ seq: Int64?) throws(AssemblyError) {
        guard let index = openTexts.removeValue(forKey: end.id) else { throw notOpen(end.id, chunk) }
        changeText(at: index) { part in
            part.state = .done
            if let metadata = end.providerMetadata { part.providerMetadata = metadata }
        }
        touch(index, seq)
    }

    mutating func beginReasoning(_ start: TextBoundary, _ seq: Int64?) {
        if let index = openReasonings[start.id] { changeReasoning(at: index) { $0.state = .done } }
        let part = ReasoningPart("", state: .streaming, providerMetadata: start.providerMetadata)
        openReasonings[start.id] = append(.reasoning(part), seq)
    }

    mutating func appendReasoning(_ delta: TextDelta, _ chunk: Chunk, _ seq: Int64?) throws(AssemblyError) {
        guard let index = openReasonings[delta.id] else { throw notOpen(delta.id, chunk) }
        changeReasoning(at: index) { part in
            part.text += delta.delta
            if let metadata = delta.providerMetadata { part.providerMetadata = metadata }
        }
        touch(index, seq)
    }

    mutating func endReasoning(_ end: TextBoundary, _ chunk: Chunk, _ seq: Int64?) throws(AssemblyError) {
        guard let index = openReasonings.removeValue(forKey: end.id) else { throw notOpen(end.id, chunk) }
        changeReasoning(at: index) { part in
            part.state = .done
            if let metadata = end.providerMetadata { part.providerMetadata = metadata }
        }
        touch(index, seq)
    }

    mutating func closeOpenParts() {
        for index in openTexts.values { changeText(at: index) { $0.state = .done } }
        for index in openReasonings.values { changeReasoning(at: index) { $0.state = .done } }
        openTexts.removeAll()
        openReasonings.removeAll()
    }

    private func notOpen(_ id: String, _ chunk: Chunk) -> AssemblyError {
        AssemblyError(reason: .partNotOpen, chunkType: chunk.type, id: id)
    }

    private mutating func changeText(at index: Int, _ change: (inout TextPart) -> Void) {
        guard case .text(var part) = assembled.parts[index] else { return }
        // The message lets go of its text first, so that appending need not copy it.
        assembled.parts[index] = .stepStart()
        change(&part)
        assembled.parts[index] = .text(part)
    }

    private mutating func changeReasoning(at index: Int, _ change: (inout ReasoningPart) -> Void) {
        guard case .reasoning(var part) = assembled.parts[index] else { return }
        assembled.parts[index] = .stepStart()
        change(&part)
        assembled.parts[index] = .reasoning(part)
    }
}
