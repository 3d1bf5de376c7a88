import AsyncHTTPClient
import NIOCore
import Synchronization

/// The clients that the calls of this process share, so that they share connections. They live as long as the process.
enum ModelClients {
    /// One for each connect timeout, which is a client's and not a request's.
    private static let clients = Mutex<[Duration: HTTPClient]>([:])

    static func client(connectTimeout: Duration) -> HTTPClient {
        clients.withLock { clients in
            if let client = clients[connectTimeout] { return client }
            let client = make(connectTimeout)
            clients[connectTimeout] = client
            return client
        }
    }

    private static func make(_ connectTimeout: Duration) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        // A redirect could take the key to another host.
        configuration.redirectConfiguration = .disallow
        // Whether a call is made again is decided above, with what has been said in mind.
        configuration.connectionPool.retryConnectionEstablishment = false
        // Less than the five seconds after which common servers close an idle connection, so that a request does not
        // meet a connection that is just being closed.
        configuration.connectionPool.idleTimeout = .seconds(4)
        // Every running turn may be streaming an answer; how many run is bounded elsewhere.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1_000_000
        configuration.timeout.connect = TimeAmount(connectTimeout)
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }
}
