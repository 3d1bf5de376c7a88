/// What tells one series of a metric from another: its labels, in the order of their names.
package struct SeriesID: Sendable, Hashable, Comparable {
    package let name: String
    package let labels: [Label]

    package struct Label: Sendable, Hashable, Comparable {
        package let name: String
        package let value: String

        package static func < (one: Label, other: Label) -> Bool {
            (one.name, one.value) < (other.name, other.value)
        }
    }

    /// Labels without a value are left out.
    package init(_ name: String, _ labels: [(String, String)] = []) {
        self.name = name
        self.labels = labels.filter { !$0.1.isEmpty }.map { Label(name: $0.0, value: $0.1) }.sorted()
    }

    package static func < (one: SeriesID, other: SeriesID) -> Bool {
        one.name != other.name ? one.name < other.name : one.labels.lexicographicallyPrecedes(other.labels)
    }
}
