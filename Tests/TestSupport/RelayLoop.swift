internal import Foundation
internal import Synchronization

/// The relay's thread: one loop around `poll`, with all connections in it.
final class RelayLoop: Sendable {
    struct Orders {
        var isStalled = false
        var refuses = false
        var cut = false
        var isClosed = false
    }

    let port: UInt16
    private let brokerPort: UInt16
    private let listener: Int32
    private let wakeReader: Int32
    private let wakeWriter: Int32
    private let orders = Mutex(Orders())

    init(brokerPort: UInt16) throws {
        var pipes: [Int32] = [-1, -1]
        guard pipe(&pipes) == 0 else { throw LoopbackSocket.Failure("open a pipe") }
        for descriptor in pipes {
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
        (wakeReader, wakeWriter) = (pipes[0], pipes[1])
        (listener, port) = try LoopbackSocket.listen()
        LoopbackSocket.prepare(listener)
        self.brokerPort = brokerPort
    }

    deinit {
        for descriptor in [wakeReader, wakeWriter, listener] { close(descriptor) }
    }

    /// Changes what the loop does, and has it look.
    func order(_ change: (inout Orders) -> Void) {
        orders.withLock { change(&$0) }
        var byte: UInt8 = 0
        _ = write(wakeWriter, &byte, 1)
    }

    /// Runs until closed.
    func run() {
        var connections: [RelayConnection] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        while true {
            let now = orders.withLock { orders in
                defer { orders.cut = false }
                return orders
            }
            if now.cut || now.isClosed {
                for connection in connections { connection.reset() }
                connections = []
            }
            if now.isClosed { return }
            let ready = wait(for: now.isStalled ? [] : connections)
            if ready[0].revents != 0 { while read(wakeReader, &buffer, buffer.count) > 0 {} }
            if ready[1].revents != 0 { connections += accept(refusing: now.refuses) }
            guard !now.isStalled else { continue }
            pump(&connections, ready.dropFirst(2), &buffer)
        }
    }

    /// The wake-up pipe, the listener, and two entries for each connection.
    private func wait(for connections: [RelayConnection]) -> [pollfd] {
        var entries = [wakeReader, listener].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        for connection in connections { entries += connection.interests }
        _ = poll(&entries, nfds_t(entries.count), -1)
        return entries
    }

    private func accept(refusing: Bool) -> [RelayConnection] {
        var accepted: [RelayConnection] = []
        while true {
            let client = Foundation.accept(listener, nil, nil)
            guard client >= 0 else { return accepted }
            LoopbackSocket.prepare(client)
            if !refusing, let broker = try? LoopbackSocket.connect(port: brokerPort) {
                accepted.append(RelayConnection(client: client, broker: broker))
            } else {
                LoopbackSocket.reset(client)
            }
        }
    }

    private func pump(
        _ connections: inout [RelayConnection], _ ready: ArraySlice<pollfd>, _ buffer: inout [UInt8]
    ) {
        let signalled = Set(ready.lazy.filter { $0.revents != 0 }.map(\.fd))
        guard !signalled.isEmpty else { return }
        var alive: [RelayConnection] = []
        for var connection in connections {
            let isReady = signalled.contains(connection.client) || signalled.contains(connection.broker)
            if !isReady || connection.pump(&buffer) { alive.append(connection) } else { connection.reset() }
        }
        connections = alive
    }
}
