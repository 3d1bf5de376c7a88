/// One event of a stream of server-sent events.
package struct ServerSentEvent: Sendable, Hashable {
    /// What the stream calls it; `nil` for an event without a name.
    package var name: String?
    /// The lines of its data, with line feeds in between.
    package var data: [UInt8]

    package init(name: String? = nil, data: [UInt8]) {
        self.name = name
        self.data = data
    }
}
