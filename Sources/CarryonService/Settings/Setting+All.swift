import LanguageModels
import Logging

extension Setting {
    /// Every setting, declared once, in the order in which they are shown.
    package static let all: [Setting] = [
        Setting("config", \.configurationFile, SettingKind.nonempty("a path").optional, "a YAML file of settings"),
        Setting("group-id", \.groupID, .nonempty("a name"), "the consumer group"),
        Setting("topic-prefix", \.topicPrefix, .topicName(atMost: 200), "what the topics' names begin with"),
        topic(.requests, "the topic that requests are read from"),
        topic(.events, "the topic that answers are written to"),
        topic(.deadLetters, "the topic that what cannot be served is written to"),
        Setting(
            "partitions", \.partitions, .number(1...10_000),
            "partitions of a topic that is created because it is missing"),
        Setting(
            "log-identity", \.logIdentity, SettingKind.nonempty("a name").optional,
            "names the cluster in stored positions, for a broker whose own id outlives its logs"),
        Setting("store", \.store, .store, mayHoldPassword: true, "where sessions are kept"),
        Setting(
            "store-connections", \.storeConnections, .number(2...1000),
            "connections to PostgreSQL that each process of a worker may have"),
        Setting(
            "hosts", \.hosts, .number(0...1024), defaultDescription: "number of cores",
            "turn hosts; 0 runs turns in the consumer's own process"),
        Setting("model", \.model, .model, "the language model"),
        Setting(
            "model-url", \.modelURL, SettingKind.baseURL.optional, defaultDescription: "the provider's own",
            "where the model's provider is, or a server that speaks as it does"),
        Setting(
            "model-key", \.modelKey, SettingKind.providerKey.optional, isSecret: true,
            defaultDescription: "OPENAI_API_KEY or ANTHROPIC_API_KEY", "the key of the provider's account"),
        Setting(
            "model-continue", \.modelContinuation, .oneOf,
            "how a provider's model goes on with an unfinished answer: from its words, by an instruction, or as it takes it"
        ),
        Setting(
            "model-max-tokens", \.modelMaximumTokens, SettingKind.number(1...10_000_000).optional,
            defaultDescription: "the provider's; \(AnthropicModel.standardMaximumTokens) with anthropic:MODEL",
            "tokens that one call of a provider's model may give"),
        Setting(
            "model-connect-timeout", \.modelConnectTimeout, .waitingTime,
            "how long the connection to a provider may take"),
        Setting(
            "model-first-token-timeout", \.modelFirstTokenTimeout, .waitingTime,
            "how long a provider may take to begin its answer"),
        Setting(
            "model-idle-timeout", \.modelIdleTimeout, .waitingTime,
            "how long a provider may say nothing in the middle of its answer"),
        Setting(
            "model-interval", \.wordInterval, SettingKind.duration.optional,
            "the scripted model's pause between the words of an answer"),
        Setting(
            "agent", \.agent, SettingKind.nonempty("a path").optional, defaultDescription: "built-in assistant",
            "an agent's YAML file"),
        Setting("region", \.region, .region, "where this worker runs"),
        Setting("admin-address", \.adminAddress, .address, "where health, metrics and status are served"),
        Setting(
            "admin-key", \.adminKey, SettingKind.providerKey.optional, isSecret: true,
            "what a change at the admin address has to bring; without one, changes are taken on loopback only"),
        Setting("gateway-address", \.gatewayAddress, .address, "where the gateway is served"),
        Setting(
            "api-keys", \.apiKeys, .words("keys apart by commas"), isSecret: true,
            "keys that open the gateway, all valid at once"),
        Setting(
            "jwt-key", \.jwtKey, SettingKind.nonempty("a key").optional, isSecret: true,
            "what the gateway's JSON web tokens are signed with"),
        Setting(
            "cors-origins", \.corsOrigins, .words("origins apart by commas"),
            "origins whose web pages may call the gateway"),
        Setting(
            "gateway-rate-limit", \.gatewayRateLimit, .number(0...1_000_000),
            "calls a second that one caller of the gateway may make; 0 is no limit"),
        Setting(
            "gateway-max-connections", \.gatewayMaxConnections, .number(1...1_000_000),
            "connections to the gateway at once"),
        Setting(
            "tls-certificate", \.tlsCertificate, SettingKind.nonempty("a path").optional,
            "a PEM file of the gateway's certificate, and those between it and its authority"),
        Setting(
            "tls-key", \.tlsKey, SettingKind.nonempty("a path").optional, "a PEM file of the certificate's private key"),
        Setting(
            "gateway-page", \.gatewayPage, .onOrOff, "serves a page to chat and to look at the service; always in dev"),
        Setting(
            "workers", \.workers, .addresses, "admin addresses of the workers that the gateway shows an operator"),
        Setting("concurrency", \.concurrency, .number(1...1_000_000), "turns that one host runs at once"),
        Setting("max-in-flight", \.maxInFlight, .number(1...10_000_000), "requests that a worker holds at once"),
        Setting(
            "max-in-flight-per-session", \.maxInFlightPerSession, .number(16...10_000_000),
            "requests of one session among them, and never more than half of all"),
        Setting(
            "max-in-flight-bytes", \.maxInFlightBytes, .byteCount(atLeast: 1 << 20),
            "bytes of requests that a worker holds at once"),
        Setting(
            "max-uncommitted-span", \.maxUncommittedSpan, .number(1...100_000_000),
            "offsets of a partition that may be taken ahead of its committed one"),
        Setting("flush-window", \.flushWindow, .duration, "how long deltas of one part may wait to be merged"),
        Setting("drain-timeout", \.drainTimeout, .duration, "how long running turns may go on after the order to stop"),
        Setting(
            "revoke-timeout", \.revokeTimeout, .duration, "how long turns of a revoked partition may take to hand over"),
        Setting(
            "turn-timeout", \.turnTimeout, .duration, "how long a run of a turn may take; 0 is no limit"),
        Setting(
            "host-timeout", \.hostTimeout, .duration,
            "how long a turn host may fail to answer before it is taken for stuck, and ended"),
        Setting(
            "head-age-limit", \.headAgeLimit, .duration,
            "after how long a request that holds its partition's committed offset back is told of"),
        Setting(
            "host-memory-limit", \.hostMemoryLimit, SettingKind.byteCount(atLeast: 16 << 20).optional,
            "memory after which a turn host is ended"),
        Setting(
            "session-cache-bytes", \.sessionCacheBytes, .byteCount(atLeast: 0),
            "bytes of idle sessions that one host keeps"),
        Setting(
            "max-request-bytes", \.maxRequestBytes, .byteCount(atLeast: 1024), "bytes of the largest request taken"),
        Setting("crash-attempts", \.crashAttempts, .number(1...1000), "runs that a turn may end by a crash"),
        Setting(
            "out-of-memory-attempts", \.outOfMemoryAttempts, .number(1...1000),
            "runs that a turn may end by taking too much memory"),
        Setting(
            "out-of-memory-topic", \.outOfMemoryTopic, SettingKind.topicName(atMost: 249).optional,
            "the topic that such a turn's request goes to, for workers with more memory"),
        Setting(
            "recovery-policy", \.recoveryChoice, .oneOf,
            "what becomes of an interrupted answer: go on with it, or settle the turn with what there is"),
        Setting(
            "otlp-endpoint", \.otlpEndpoint, SettingKind.baseURL.optional,
            "a collector that traces and metrics are sent to, by OTLP over HTTP"),
        Setting(
            "otlp-headers", \.otlpHeaders, .pairs, isSecret: true,
            "headers of what is sent there"),
        Setting(
            "trace-sample-percent", \.traceSamplePercent, .number(0...100), "of a hundred turns, how many are traced"),
        Setting(
            "trace-message-texts", \.traceMessageTexts, .onOrOff,
            "puts what users and models say into traces: personal data, and up to 32 KiB a call of the model"),
        Setting(
            "metrics", \.metrics, .onOrOff,
            "counts what becomes of requests; without it, metrics are only what there is at the moment"),
        Setting(
            "metrics-conversation-id", \.metricsConversationID, .onOrOff,
            "makes gen_ai.conversation.id a label of metrics: a series for each session, without bound"),
        Setting("log-level", \.logLevel, .oneOf, "the least important level that is logged"),
        Setting("log-format", \.logFormat, .oneOf, "how log lines are written"),
        Setting("fault-injection", \.faultInjection, .onOrOff, "allows what kills on purpose"),
        Setting(
            "kill-at", \.killAt, SettingKind.killAt.optional,
            "with fault injection: kills a process at a named step of a turn"),
        Setting(
            "stall-at", \.stallAt, SettingKind.killAt.optional,
            "with fault injection: stops a process (SIGSTOP) at a named step of a turn"),
    ]

    static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    private static func topic(_ kind: TopicKind, _ documentation: String) -> Setting {
        Setting(
            kind.settingName, kind.keyPath, .topicName(atMost: 249),
            defaultDescription: kind.defaultName(prefix: "TOPIC-PREFIX"), documentation)
    }
}
