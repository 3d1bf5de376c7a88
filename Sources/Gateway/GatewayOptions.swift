/// What a gateway is told at its start.
package struct GatewayOptions: Sendable {
    /// Where it listens; port 0 lets the system choose.
    package var host: String
    package var port: Int
    /// Another port will do if this one is taken.
    package var mayMove = false
    package var requestsTopic: String
    package var eventsTopic: String
    package var deadLettersTopic: String
    /// Secret: keys that open everything, all valid at once.
    package var apiKeys: [String] = []
    /// Secret: what tokens are signed with; see ``TokenKeys``.
    package var jwtKey: String?
    /// Bytes of the largest body that is taken.
    package var maxBodyBytes = 1 << 20
    /// How long a reader of events is left without a sign of life.
    package var heartbeat = Duration.seconds(15)
    /// How long a reader may take for what it is sent before it is cut off.
    package var readerTimeout = Duration.seconds(30)
    /// Bytes of a session's newest events that are kept for its readers.
    package var ringBytes = 1 << 20
    /// How long the broker may take to acknowledge a request.
    package var acknowledgementTimeout = Duration.seconds(10)
    /// Whether the page is served.
    package var servesPage = false

    package init(
        host: String, port: Int, requestsTopic: String, eventsTopic: String, deadLettersTopic: String
    ) {
        self.host = host
        self.port = port
        self.requestsTopic = requestsTopic
        self.eventsTopic = eventsTopic
        self.deadLettersTopic = deadLettersTopic
    }
}
