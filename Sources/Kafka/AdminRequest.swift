internal import CRdkafka

/// One request of librdkafka's admin interface: sent, waited for, its outcome read and freed.
struct AdminRequest: Sendable {
    let kind: rd_kafka_admin_op_t
    let operation: String
    let timeout: Duration

    var unexpected: KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__INVALID_TYPE, operation: operation, reason: "the reply is of another kind")
    }

    func invalid(_ reason: String) -> KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, operation: operation, reason: reason)
    }

    /// Blocks for the reply.
    func send<Result>(
        to handle: ClientHandle,
        _ submit: (_ client: OpaquePointer, _ options: OpaquePointer?, _ queue: OpaquePointer) -> Void,
        reading: (_ event: OpaquePointer) throws(KafkaError) -> Result
    ) throws(KafkaError) -> Result {
        try handle.withClient(operation) { client throws(KafkaError) in
            let options = rd_kafka_AdminOptions_new(client, kind)
            defer { if let options { rd_kafka_AdminOptions_destroy(options) } }
            var reason = [CChar](repeating: 0, count: 512)
            let code = rd_kafka_AdminOptions_set_request_timeout(
                options, max(1, timeout.milliseconds), &reason, reason.count)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw invalid(String(nulTerminated: reason)) }
            guard let queue = rd_kafka_queue_new(client) else { throw unexpected }
            defer { rd_kafka_queue_destroy(queue) }

            submit(client, options, queue)
            // librdkafka times the request out by itself; the second on top lets its own error come through.
            guard let event = rd_kafka_queue_poll(queue, (timeout + .seconds(1)).milliseconds) else {
                throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, operation: operation)
            }
            defer { rd_kafka_event_destroy(event) }
            let outcome = rd_kafka_event_error(event)
            if outcome != RD_KAFKA_RESP_ERR_NO_ERROR {
                throw KafkaError(
                    outcome, operation: operation,
                    reason: rd_kafka_event_error_string(event).map { String(cString: $0) })
            }
            return try reading(event)
        }
    }

    func checkTopics(_ results: UnsafeMutablePointer<OpaquePointer?>?, _ count: Int) throws(KafkaError) {
        for result in UnsafeBufferPointer(start: results, count: results == nil ? 0 : count) {
            let code = rd_kafka_topic_result_error(result)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR {
                throw KafkaError(
                    code, operation: operation,
                    reason: rd_kafka_topic_result_error_string(result).map { String(cString: $0) })
            }
        }
    }

    /// Throws the error inside a result, which stays the result's own.
    func check(_ error: OpaquePointer?) throws(KafkaError) {
        guard let error else { return }
        let code = rd_kafka_error_code(error)
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        throw KafkaError(
            code, operation: operation, reason: rd_kafka_error_string(error).map { String(cString: $0) })
    }
}
