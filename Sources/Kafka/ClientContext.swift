internal import CRdkafka
internal import Logging
internal import Synchronization

/// What stands behind the opaque pointer of one librdkafka client: where its log, its errors, its statistics and its
/// callbacks go. The client's handle keeps it alive until librdkafka has let go of it.
final class ClientContext: Sendable {
    private struct State {
        var fatal: KafkaError?
        var statistics: String?
    }

    private let logger: Logger
    private let callbacks: (any ClientCallbacks)?
    private let state = Mutex(State())

    init(logger: Logger, callbacks: (any ClientCallbacks)? = nil) {
        self.logger = logger
        self.callbacks = callbacks
    }

    /// The first fatal error the client reported; after it the client is of no more use.
    var fatal: KafkaError? { state.withLock { $0.fatal } }

    /// The newest statistics, as JSON; nil unless `statistics.interval.ms` is set.
    var statistics: String? { state.withLock { $0.statistics } }

    func install(in configuration: OpaquePointer, kind: rd_kafka_type_t) {
        rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(self).toOpaque())
        rd_kafka_conf_set_log_cb(configuration) { client, level, facility, text in
            guard let client, let context = ClientContext.of(client) else { return }
            context.log(level: level, facility: facility, text: text)
        }
        rd_kafka_conf_set_error_cb(configuration) { client, code, reason, opaque in
            guard let client, let context = ClientContext.behind(opaque) else { return }
            context.failed(client, rd_kafka_resp_err_t(rawValue: code), reason)
        }
        rd_kafka_conf_set_stats_cb(configuration) { _, text, length, opaque in
            guard let context = ClientContext.behind(opaque), let text else { return 0 }
            let bytes = UnsafeRawBufferPointer(start: text, count: length)
            let statistics = String(decoding: bytes, as: UTF8.self)
            context.state.withLock { $0.statistics = statistics }
            return 0
        }
        if kind == RD_KAFKA_PRODUCER {
            rd_kafka_conf_set_dr_msg_cb(configuration) { client, message, opaque in
                guard let client, let message, let context = ClientContext.behind(opaque) else { return }
                let code = message.pointee.err
                context.callbacks?.delivered(
                    message,
                    code == RD_KAFKA_RESP_ERR_NO_ERROR
                        ? nil : context.error(client, code, operation: "write a record"))
            }
        } else {
            rd_kafka_conf_set_rebalance_cb(configuration) { client, code, partitions, opaque in
                guard let client, let partitions else { return }
                ClientContext.behind(opaque)?.callbacks?.rebalanced(client, code, partitions)
            }
        }
    }

    /// For `rd_kafka_commit_queue`. The token takes the place of a pointer: nothing has to be freed, whether or not
    /// librdkafka ever calls.
    static let commitCallback:
        @convention(c) (
            OpaquePointer?, rd_kafka_resp_err_t, UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?,
            UnsafeMutableRawPointer?
        ) -> Void = { client, code, partitions, token in
            guard let client, let context = ClientContext.of(client) else { return }
            context.callbacks?.committed(token: Int(bitPattern: token), code, partitions)
        }

    /// Turns an error code into an error, replacing the bare "fatal" by what it stands for.
    func error(
        _ client: OpaquePointer, _ code: rd_kafka_resp_err_t, operation: String, reason: String? = nil
    ) -> KafkaError {
        guard code == RD_KAFKA_RESP_ERR__FATAL else { return KafkaError(code, operation: operation, reason: reason) }
        var buffer = [CChar](repeating: 0, count: 512)
        let underlying = rd_kafka_fatal_error(client, &buffer, buffer.count)
        let isKnown = underlying != RD_KAFKA_RESP_ERR_NO_ERROR
        let error = KafkaError(
            isKnown ? underlying : code, operation: operation, reason: isKnown ? String(nulTerminated: buffer) : reason,
            isFatal: true)
        state.withLock { if $0.fatal == nil { $0.fatal = error } }
        return error
    }

    private func failed(_ client: OpaquePointer, _ code: rd_kafka_resp_err_t, _ reason: UnsafePointer<CChar>?) {
        let text = reason.map { String(cString: $0) }
        callbacks?.failed(error(client, code, operation: "talk to the brokers", reason: text))
    }

    /// librdkafka logs from any of its threads, also while the client is being made.
    private func log(level: Int32, facility: UnsafePointer<CChar>?, text: UnsafePointer<CChar>?) {
        let name = facility.map { String(cString: $0) } ?? ""
        let message = text.map { String(cString: $0) } ?? ""
        let isAboutSharedSettings = Self.aboutSharedSettings.contains(name)
        logger.log(
            level: isAboutSharedSettings ? .debug : Self.level(level), "\(message)", metadata: ["facility": "\(name)"])
    }

    /// What the library remarks on when one set of properties serves consumers and producers alike, and when an old
    /// broker can't be told what we ask of it: nothing that anybody has to see to.
    private static let aboutSharedSettings: Set<String> = ["CONFWARN", "AUTOCREATE"]

    /// From syslog's levels.
    private static func level(_ level: Int32) -> Logger.Level {
        switch level {
        case ...2: .critical
        case 3: .error
        case 4: .warning
        case 5: .notice
        case 6: .info
        default: .debug
        }
    }

    private static func of(_ client: OpaquePointer) -> ClientContext? { behind(rd_kafka_opaque(client)) }

    private static func behind(_ opaque: UnsafeMutableRawPointer?) -> ClientContext? {
        opaque.map { Unmanaged<ClientContext>.fromOpaque($0).takeUnretainedValue() }
    }
}
