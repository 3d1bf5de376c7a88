internal import Foundation

/// One connection through the relay: two sockets, and what was read from one and not yet written to the other. Used by
/// the relay's thread alone.
struct RelayConnection {
    private struct Direction {
        let source: Int32
        let sink: Int32
        var pending: ArraySlice<UInt8> = []

        /// Moves what can be moved without blocking.
        /// - Returns: false at the end of the connection.
        mutating func pump(_ buffer: inout [UInt8], _ filter: (ArraySlice<UInt8>) -> ArraySlice<UInt8>) -> Bool {
            guard flush() else { return false }
            guard pending.isEmpty else { return true }
            let count = read(source, &buffer, buffer.count)
            if count == 0 { return false }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            pending = filter(buffer[..<count])
            return flush()
        }

        private mutating func flush() -> Bool {
            while !pending.isEmpty {
                let count = pending.withUnsafeBytes { send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                if count < 0 { return errno == EAGAIN || errno == EINTR }
                pending = pending.dropFirst(count)
            }
            return true
        }
    }

    /// What is still to be looked at of a connection before it is a plain pump.
    private enum Opening {
        case request([UInt8])
        case response([UInt8])
        case done
    }

    private static let longestOpening = 1 << 16

    let client: Int32
    let broker: Int32
    private var toBroker: Direction
    private var toClient: Direction
    private var opening = Opening.request([])

    init(client: Int32, broker: Int32) {
        self.client = client
        self.broker = broker
        toBroker = Direction(source: client, sink: broker)
        toClient = Direction(source: broker, sink: client)
    }

    /// What to wait for: on a socket that is read, data, and on one that does not take more, room.
    var interests: [pollfd] {
        [(client, toBroker, toClient), (broker, toClient, toBroker)].map { descriptor, outOf, into in
            var events: Int16 = 0
            if outOf.pending.isEmpty { events |= Int16(POLLIN) }
            if !into.pending.isEmpty { events |= Int16(POLLOUT) }
            return pollfd(fd: descriptor, events: events, revents: 0)
        }
    }

    /// - Returns: false when the connection is over.
    mutating func pump(_ buffer: inout [UInt8]) -> Bool {
        var opening = opening
        defer { self.opening = opening }
        let goesOn = toBroker.pump(&buffer) { Self.noteRequest($0, &opening) }
        return toClient.pump(&buffer) { Self.repairResponse($0, &opening) } && goesOn
    }

    func reset() {
        LoopbackSocket.reset(client)
        LoopbackSocket.reset(broker)
    }

    private static func noteRequest(_ bytes: ArraySlice<UInt8>, _ opening: inout Opening) -> ArraySlice<UInt8> {
        if case .request(let start) = opening {
            let start = start + bytes
            if start.count < 8 {
                opening = .request(start)
            } else {
                opening = ApiVersionsRepair.concerns(request: start) ? .response([]) : .done
            }
        }
        return bytes
    }

    private static func repairResponse(_ bytes: ArraySlice<UInt8>, _ opening: inout Opening) -> ArraySlice<UInt8> {
        guard case .response(let start) = opening else { return bytes }
        let held = start + bytes
        guard held.count >= 4 else {
            opening = .response(held)
            return []
        }
        let length = 4 + held[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= longestOpening else {
            opening = .done
            return held[...]
        }
        guard held.count >= length else {
            opening = .response(held)
            return []
        }
        opening = .done
        let response = Array(held[..<length])
        return ((ApiVersionsRepair.withoutTags(response) ?? response) + held[length...])[...]
    }
}
