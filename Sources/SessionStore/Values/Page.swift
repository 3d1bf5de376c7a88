/// A part of a list, and where the next part begins.
package struct Page<Item: Sendable>: Sendable {
    package let items: [Item]
    /// To be handed back unchanged for the next page; nil after the last one.
    package let cursor: String?

    package init(items: [Item], cursor: String?) {
        self.items = items
        self.cursor = cursor
    }
}

extension Page: Equatable where Item: Equatable {}
