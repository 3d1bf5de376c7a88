/// How long a store waits for its server.
package struct PostgresPatience: Sendable {
    /// For a connection, unless the URL or `PGCONNECT_TIMEOUT` says otherwise.
    package var connect: Duration
    /// For the answer to one round trip. A server that says nothing for longer is taken for lost. Half of it is how long
    /// the server waits for us in the middle of a transaction.
    package var answer: Duration
    /// For a server that is away, from when a write was asked for. A write that has not been sent by then fails.
    package var write: Duration

    package init(
        connect: Duration = .seconds(5), answer: Duration = .seconds(8), write: Duration = .seconds(10)
    ) {
        self.connect = connect
        self.answer = answer
        self.write = write
    }
}
