/// The values of a metric's labels, in their order; what there is no label for is empty.
package struct LabelValues: Sendable, Hashable {
    let first: String
    let second: String
    let third: String

    package init(_ first: String = "", _ second: String = "", _ third: String = "") {
        self.first = first
        self.second = second
        self.third = third
    }

    var all: [String] { [first, second, third] }
}
