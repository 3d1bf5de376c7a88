/// The offset of the next record a group should read of a partition, with the text stored beside it.
package struct CommittedOffset: Sendable, Hashable {
    package var offset: Int64
    package var metadata: String?

    package init(offset: Int64, metadata: String? = nil) {
        self.offset = offset
        self.metadata = metadata
    }
}
