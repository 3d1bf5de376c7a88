import Conversation

/// Tells the calls of an answer apart whose pieces come mixed.
///
/// A call has an index, an id, or both; each is missing on some servers, some repeat id and name in every piece, some
/// make up a new id for every piece, and some give all calls the index 0.
struct ChatCallSlots {
    private struct Slot {
        var index: Int?
        var id: String?
        var isNamed: Bool
    }

    private var slots: [Slot] = []
    private var functionSlot: Int?

    /// The pieces that an element of `tool_calls` amounts to.
    mutating func pieces(of call: JSON) -> [AnswerPiece] {
        let function = call["function"] ?? call
        let id = call["id"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        let name = function["name"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
        let slot = slot(index: call["index"]?.int, id: id, name: name)
        return Self.pieces(of: function["arguments"], slot: slot, id: id, name: name)
    }

    /// The pieces of a `function_call`, of which an answer has one at most.
    mutating func pieces(ofFunction function: JSON) -> [AnswerPiece] {
        let name = function["name"]?.stringValue
        if functionSlot == nil {
            functionSlot = slots.count
            slots.append(Slot(index: nil, id: nil, isNamed: true))
        }
        return Self.pieces(of: function["arguments"], slot: functionSlot ?? 0, id: nil, name: name)
    }

    private static func pieces(of arguments: JSON?, slot: Int, id: String?, name: String?) -> [AnswerPiece] {
        let begin = AnswerPiece.call(slot: slot, id: id, name: name, input: arguments?.stringValue ?? "")
        guard let arguments, arguments.objectValue != nil else { return [begin] }
        return [begin, .callInput(slot: slot, arguments)]
    }

    private mutating func slot(index: Int?, id: String?, name: String?) -> Int {
        if let found = known(index: index, id: id, name: name) {
            if slots[found].id == nil { slots[found].id = id }
            if name != nil { slots[found].isNamed = true }
            return found
        }
        slots.append(Slot(index: index, id: id, isNamed: name != nil))
        return slots.count - 1
    }

    private func known(index: Int?, id: String?, name: String?) -> Int? {
        if let index {
            guard let found = slots.lastIndex(where: { $0.index == index }) else { return nil }
            // Another call in the same place has a name and an id of its own.
            let isOther = name != nil && slots[found].isNamed && id != nil && slots[found].id != nil
            return isOther && slots[found].id != id ? slots.lastIndex { $0.id == id && $0.index == index } : found
        }
        if let id { return slots.lastIndex { $0.id == id } ?? (name == nil ? slots.indices.last : nil) }
        return name == nil ? slots.indices.last : nil
    }
}
