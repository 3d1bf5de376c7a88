/// A way into a JSON value (RFC 6901).
struct JSONPointer: Sendable, Hashable {
    private(set) var text = ""
    private(set) var depth = 0

    func appending(_ name: String) -> JSONPointer {
        var pointer = self
        pointer.text += "/"
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": pointer.text += "~0"
            case "/": pointer.text += "~1"
            default: pointer.text.unicodeScalars.append(scalar)
            }
        }
        pointer.depth += 1
        return pointer
    }

    func appending(_ index: Int) -> JSONPointer { appending(String(index)) }
}
