/// The types that values travel in. All of them go in binary form.
enum PostgresType: Sendable {
    case integer, boolean, text, bytes

    var name: String {
        switch self {
        case .integer: "int8"
        case .boolean: "bool"
        case .text: "text"
        case .bytes: "bytea"
        }
    }

    /// The number that the server has for the type, the same in every database.
    var objectID: Int32 {
        switch self {
        case .boolean: 16
        case .bytes: 17
        case .integer: 20
        case .text: 25
        }
    }
}
