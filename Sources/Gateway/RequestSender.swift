import Conversation
import HTTPTypes
import Kafka
import SessionStore
import Telemetry
import Tracing

/// Puts requests on the requests topic, and waits for the broker's acknowledgement.
struct RequestSender: Sendable {
    /// Where a request was written.
    struct Sent: Sendable {
        let requestID: String
        let partition: Int32
        let offset: Int64

        var json: JSON {
            [
                "requestId": .string(requestID), "partition": .number(JSONNumber(Int(partition))),
                "offset": .number(JSONNumber(Int(offset))),
            ]
        }
    }

    let topic: String
    let producer: KafkaProducer
    let store: any SessionStore
    /// Told where a session's requests go.
    let onSent: @Sendable (_ session: String, _ partition: Int32) async -> Void

    /// - Parameters:
    ///   - value: the request's members.
    ///   - headers: of the call; `traceparent`, `tracestate` and `idempotency-key` are the request's too.
    /// - Throws: `RequestError` for what a worker would set aside; ``GatewayError`` for a closed session; what the
    ///   store and the brokers say.
    func send(_ value: JSONObject, session: String, headers: HTTPFields) async throws -> Sent {
        var value = value
        let request = try Request.decode(
            .object(value), idempotencyKeyHeader: headers[.idempotencyKey],
            fallbackMessageID: "unsent")
        value["idempotencyKey"] = request.idempotencyKey.map(JSON.string)
        if try await store.sessionHead(session)?.isClosed == true {
            throw GatewayError(.conflict, "session_closed", "The session is closed and takes no more requests.")
        }
        let written = try await deliver(
            ProducerRecord(
                topic: topic, key: Array(session.utf8), value: JSON.object(value).serialized(),
                headers: Self.traceHeaders(headers)))
        await onSent(session, written.partition)
        return Sent(
            requestID: request.id ?? "\(written.partition)-\(written.offset)", partition: written.partition,
            offset: written.offset)
    }

    private func deliver(_ record: ProducerRecord) async throws -> RecordMetadata {
        let handedOver = ContinuousClock.now
        do {
            let written = try await producer.deliver(record)
            MetricCatalog.deliveryDuration.record(since: handedOver, topic)
            return written
        } catch {
            MetricCatalog.deliveryFailures.add(1, topic)
            throw error
        }
    }

    /// The call's own span, which is a child of the caller's; where calls are not traced, what the caller has sent. A trace
    /// context that is too long to be one is not passed on.
    private static func traceHeaders(_ headers: HTTPFields) -> [KafkaHeader] {
        if let trace = ServiceContext.current?.trace {
            let state = trace.traceState.flatMap { (1...512).contains($0.utf8.count) ? $0 : nil }
            return [KafkaHeader("traceparent", trace.traceparent)]
                + (state.map { [KafkaHeader("tracestate", $0)] } ?? [])
        }
        return [HTTPField.Name.traceparent, .tracestate].compactMap { name in
            guard let value = headers[name], (1...512).contains(value.utf8.count) else { return nil }
            return KafkaHeader(name.canonicalName, value)
        }
    }
}

extension HTTPField.Name {
    static let idempotencyKey = HTTPField.Name("idempotency-key") ?? .ifMatch
    static let traceparent = HTTPField.Name("traceparent") ?? .ifMatch
    static let tracestate = HTTPField.Name("tracestate") ?? .ifMatch
}
