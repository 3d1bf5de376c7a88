/// What a gateway is told at its start.
package struct GatewayOptions: Sendable {
    /// Where it listens; port 0 lets the system choose.
    package var host: String
    package var port: Int
    /// Another port will do if this one is taken.
    package var mayMove = false
    package var requestsTopic: String
    package var eventsTopic: String
    /// Secret: keys that open everything, all valid at once.
    package var apiKeys: [String] = []
    /// Secret: what tokens are signed with; see ``TokenKeys``.
    package var jwtKey: String?
    /// Web pages of these origins may call.
    package var corsOrigins: [String] = []
    /// Calls a second of one caller; 0 is no limit.
    package var rateLimit = 0
    /// Connections at once; further ones wait to be accepted.
    package var maxConnections = 20_000
    /// How long a client may take to send a request's head, and then its body.
    package var requestTimeout = Duration.seconds(30)
    /// Paths of PEM files: the certificates that the gateway shows, its own first, and the key. `nil` is plain HTTP.
    package var certificate: (chain: String, key: String)?
    /// Bytes of the largest body that is taken.
    package var maxBodyBytes = 1 << 20
    /// How long a reader of events is left without a sign of life.
    package var heartbeat = Duration.seconds(15)
    /// How long a reader may take for what it is sent before it is cut off.
    package var readerTimeout = Duration.seconds(30)
    /// A reader that takes longer than this for a piece, and falls behind what is kept, is cut off.
    package var readerPatience = Duration.seconds(1)
    /// Bytes of a session's newest events that are kept for its readers.
    package var ringBytes = 1 << 20
    /// How long the broker may take to acknowledge a request.
    package var acknowledgementTimeout = Duration.seconds(10)
    /// Whether the page is served.
    package var servesPage = false

    package init(host: String, port: Int, requestsTopic: String, eventsTopic: String) {
        self.host = host
        self.port = port
        self.requestsTopic = requestsTopic
        self.eventsTopic = eventsTopic
    }
}
