/// A value in the database that no version of the store can have written.
struct UndecodableColumn: Error, CustomStringConvertible {
    let name: String
    let value: String

    var description: String { "column \(name) holds \(value.debugDescription), which means nothing" }
}
