/// A name that equals only a name of the same bytes: Swift's own string equality would take composed and decomposed
/// spellings for one.
struct ExactName: Sendable, Hashable {
    let text: String

    static func == (one: ExactName, other: ExactName) -> Bool {
        let (units, others) = (one.text.utf8, other.text.utf8)
        guard units.count == others.count else { return false }
        let equal = units.withContiguousStorageIfAvailable { units in
            others.withContiguousStorageIfAvailable { units.elementsEqual($0) }
        }
        return (equal ?? nil) ?? units.elementsEqual(others)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
