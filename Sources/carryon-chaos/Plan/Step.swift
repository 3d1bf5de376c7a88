/// One thing that the user of a conversation does.
enum Step: Sendable, Hashable {
    /// A message; its answer may call tools, and may kill its host in its first runs.
    case message(String)
    /// A message whose answer asks whether a tool may be called, and then the answer to that.
    case approval(String, isGranted: Bool)
    /// A message, and a stop once so many pieces of its answer were read.
    case stopped(String, afterPieces: Int)
    /// The last answer is wanted once more.
    case regenerate
    /// A message that is sent twice with one idempotency key.
    case duplicate(String)
    /// A record that is no request, and a message behind it.
    case garbage(Garbage, String)
    /// A message whose every run kills its host.
    case poison(String)

    /// Whether it is one request that the next step's may follow at once, unanswered as it is.
    var isSimple: Bool { if case .message = self { true } else { false } }

    /// What a record of a session may hold that nobody can decode.
    enum Garbage: String, Sendable, Hashable, CaseIterable {
        case noJSON = "{\"type\": \"mess"
        case unknownType = "{\"type\": \"sing\", \"text\": \"la la la\"}"
        case noObject = "[1, 2, 3]"
        /// A record without a value.
        case tombstone = ""

        var value: [UInt8]? { self == .tombstone ? nil : Array(rawValue.utf8) }
    }
}
