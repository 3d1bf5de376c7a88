internal import Kafka

/// A TCP relay on loopback in front of a broker, to cut, stall and refuse its connections. It also repairs each
/// connection's first ApiVersions response (see `ApiVersionsRepair`).
///
/// The broker has to advertise the relay's address, or clients go round it after their first question.
package final class BrokerRelay: Sendable {
    /// The relay's own port.
    package let port: UInt16

    private let loop: RelayLoop

    /// Starts relaying on a port that the system chooses.
    package init(toPort brokerPort: UInt16) throws {
        let loop = try RelayLoop(brokerPort: brokerPort)
        self.loop = loop
        port = loop.port
        try DedicatedThread.start(name: "broker-relay", operation: "start a relay") { loop.run() }
    }

    deinit {
        close()
    }

    package var address: String { "127.0.0.1:\(port)" }

    /// Breaks every connection there is; new ones are served.
    package func cutAll() {
        loop.order { $0.cut = true }
    }

    /// Moves no byte any more, and keeps the connections.
    package func stall() {
        loop.order { $0.isStalled = true }
    }

    /// Ends `stall` and `refuse`.
    package func resume() {
        loop.order { orders in
            orders.isStalled = false
            orders.refuses = false
        }
    }

    /// Breaks every connection, and each new one at once, until `resume`.
    package func refuse() {
        loop.order { orders in
            orders.refuses = true
            orders.cut = true
        }
    }

    /// Ends the relay and its connections. May be called again.
    package func close() {
        loop.order { $0.isClosed = true }
    }
}
