internal import CRdkafka
internal import Dispatch
internal import Synchronization

/// The one owner of an `rd_kafka_t`. Every use of the pointer is scoped, and destroying waits for the uses under way,
/// so that no thread ever holds a dead client.
final class ClientHandle: Sendable {
    /// `rd_kafka_t` may be used from any thread, says its header; only its destruction must come last, which
    /// `destroy` sees to.
    private struct Client: @unchecked Sendable {
        let pointer: OpaquePointer
    }

    let context: ClientContext
    private let client: Client
    private let isOpen = Mutex(true)
    private let uses = DispatchGroup()

    init(
        kind: rd_kafka_type_t, properties: KafkaProperties, context: ClientContext, operation: String
    ) throws(KafkaError) {
        let configuration = try properties.makeConfiguration(operation: operation)
        context.install(in: configuration, kind: kind)
        var reason = [CChar](repeating: 0, count: 512)
        guard let pointer = rd_kafka_new(kind, configuration, &reason, reason.count) else {
            let code = rd_kafka_last_error()
            rd_kafka_conf_destroy(configuration)
            throw KafkaError(code, operation: operation, reason: String(nulTerminated: reason))
        }
        self.client = Client(pointer: pointer)
        self.context = context
    }

    deinit {
        destroy()
    }

    /// Runs `body` with the client. Throws `isClosed` once the client is (being) destroyed.
    func withClient<Result>(
        _ operation: String, _ body: (OpaquePointer) throws(KafkaError) -> Result
    ) throws(KafkaError) -> Result {
        let entered = isOpen.withLock { isOpen in
            if isOpen { uses.enter() }
            return isOpen
        }
        guard entered else { throw .closed(operation) }
        defer { uses.leave() }
        return try body(client.pointer)
    }

    /// Ends the poll that the client's poll thread waits in, so that it looks around.
    func wakePoll(_ kind: rd_kafka_type_t) {
        try? withClient("wake the poll thread") { client throws(KafkaError) in
            let queue =
                kind == RD_KAFKA_PRODUCER ? rd_kafka_queue_get_main(client) : rd_kafka_queue_get_consumer(client)
            guard let queue else { return }
            rd_kafka_queue_yield(queue)
            rd_kafka_queue_destroy(queue)
        }
    }

    /// Blocks until the uses under way are over, then destroys the client, without leaving a group. A second call does
    /// nothing. Must not be called inside `withClient` or a callback.
    func destroy() {
        guard endUses() else { return }
        rd_kafka_destroy_flags(client.pointer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
    }

    /// Does as ``destroy()``, except that the client's memory and threads stay: for one that must not be destroyed.
    func abandon() {
        guard endUses() else { return }
        // Its threads may still call back.
        _ = Unmanaged.passRetained(self)
    }

    /// - Returns: false if they had been ended before.
    private func endUses() -> Bool {
        let wasOpen = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        if wasOpen { uses.wait() }
        return wasOpen
    }
}
