/// Something that is not as it should be: what was expected, and what came instead.
struct Discrepancy: Error, CustomStringConvertible {
    let description: String

    init(_ subject: String, expected: Any, came: Any) {
        description = "\(subject): expected \(expected), but came \(came)."
    }
}

/// Throws a ``Discrepancy`` unless the two are equal.
func require<Value: Equatable>(_ subject: String, _ came: Value, equals expected: Value) throws {
    guard came == expected else { throw Discrepancy(subject, expected: expected, came: came) }
}
