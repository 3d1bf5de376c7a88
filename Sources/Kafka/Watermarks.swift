/// The offsets of a partition's first record and of the record that comes next.
package struct Watermarks: Sendable, Hashable {
    package var low: Int64
    package var high: Int64

    package init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }
}
