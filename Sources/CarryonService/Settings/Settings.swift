package import LanguageModels
package import Logging

/// Everything that can be set from outside, typed and checked.
///
/// The initial values are the defaults. ``resolve(arguments:environment:readFile:)`` puts on top of them what the file,
/// the environment and the flags say; ``Setting/all`` is the table that ties each value to its names and its
/// spelling.
package struct Settings: Sendable, Equatable {
    /// librdkafka's properties by their own names (`bootstrap.servers`).
    package var kafka: [String: String] = [:]

    /// The YAML file that was read, if any.
    package var configurationFile: String?
    package var groupID = "carryon"
    package var topicPrefix = "chat"
    package var requestsTopic = TopicKind.requests.defaultName(prefix: "chat")
    package var eventsTopic = TopicKind.events.defaultName(prefix: "chat")
    package var deadLettersTopic = TopicKind.deadLetters.defaultName(prefix: "chat")
    /// Partitions of a topic that is created because it is missing.
    package var partitions = 6
    /// Names the cluster in stored positions, in place of the id that the broker gives itself.
    package var logIdentity: String?
    package var store = StoreLocation.sqlite(path: ".carryon/sessions.sqlite")
    /// Connections to PostgreSQL of each process; half of them write.
    package var storeConnections = 3
    /// Turn hosts of a worker; 0 runs turns in the consumer's own process.
    package var hosts = ProcessorCount.available
    package var model = ModelChoice.scripted
    /// Where the model's provider is; `nil` is the provider's own address.
    package var modelURL: String?
    /// Secret: the key of the provider's account.
    package var modelKey: String?
    /// How a provider's model is asked to go on with an unfinished answer.
    package var modelContinuation = AnswerContinuation.automatic
    /// Tokens that one call of a provider's model may give; `nil` leaves it to the provider.
    package var modelMaximumTokens: Int?
    /// How long a provider may take to be connected to, to begin an answer, and between two pieces of it.
    package var modelConnectTimeout = ModelTimeouts().connect
    package var modelFirstTokenTimeout = ModelTimeouts().firstToken
    package var modelIdleTimeout = ModelTimeouts().idle
    /// The scripted model's pause between the words of an answer.
    package var wordInterval: Duration?
    /// The path of an agent's YAML file; `nil` is the built-in assistant.
    package var agent: String?
    /// Where this worker runs, trimmed and in lower case; never empty.
    package var region: String?
    package var adminAddress = ListenAddress(host: "127.0.0.1", port: 9464)
    /// Secret: the key for changes at the admin address.
    package var adminKey: String?
    package var gatewayAddress = ListenAddress(host: "127.0.0.1", port: 8080)
    /// Secret: the gateway's keys, all of them valid at once.
    package var apiKeys: [String] = []
    /// Secret: what signs the gateway's JSON web tokens.
    package var jwtKey: String?
    /// Whether the gateway serves its page.
    package var gatewayPage = false
    /// The admin addresses of the workers that the gateway asks for their status.
    package var workers: [ListenAddress] = []

    /// Web pages of these origins may call the gateway.
    package var corsOrigins: [String] = []
    /// Calls a second of one caller of the gateway; 0 is no limit.
    package var gatewayRateLimit = 0
    /// Connections to the gateway at once.
    package var gatewayMaxConnections = 20_000
    /// Paths of PEM files; both or none.
    package var tlsCertificate: String?
    package var tlsKey: String?

    /// Turns that one host runs at once.
    package var concurrency = 4096
    /// Requests that a worker holds at once.
    package var maxInFlight = 20_000
    /// Requests of one session among them.
    package var maxInFlightPerSession = 64
    /// Bytes of requests that a worker holds at once.
    package var maxInFlightBytes = 64 << 20
    /// Offsets between a partition's committed one and the newest that was taken.
    package var maxUncommittedSpan = 100_000
    /// How long deltas of one part may wait to be merged.
    package var flushWindow = Duration.milliseconds(20)
    /// How long running turns may go on after the order to stop.
    package var drainTimeout = Duration.seconds(20)
    /// How long a revoked partition's turns may take to hand over.
    package var revokeTimeout = Duration.seconds(10)
    /// How long a run of a turn may take; zero is no limit.
    package var turnTimeout = Duration.seconds(900)
    /// How long a host may owe an answer before it is taken for stuck.
    package var hostTimeout = Duration.seconds(60)
    /// After how long a request that holds its partition back is told of.
    package var headAgeLimit = Duration.seconds(60)
    /// Bytes of memory after which a host is ended; `nil` is no limit.
    package var hostMemoryLimit: Int?
    /// Bytes of idle sessions that one host keeps.
    package var sessionCacheBytes = 256 << 20
    /// Bytes of the largest request that is taken: a body of the gateway at its limit, and what the gateway adds to it.
    package var maxRequestBytes = (1 << 20) + (64 << 10)
    /// Runs that a turn may cost by crashing its host.
    package var crashAttempts = 3
    /// Runs that a turn may cost by taking too much memory.
    package var outOfMemoryAttempts = 2
    /// The topic that a request goes to after that; `nil` sets it aside.
    package var outOfMemoryTopic: String?
    package var recoveryChoice = RecoveryChoice.continueAnswer

    /// Where traces and metrics go; `nil` is nowhere.
    package var otlpEndpoint: String?
    /// Secret: headers of what goes there, as `NAME=VALUE`.
    package var otlpHeaders: [String] = []
    /// Of a hundred turns, how many are traced.
    package var traceSamplePercent = 100
    /// Whether traces hold what users and models say.
    package var traceMessageTexts = false
    /// Whether what becomes of requests is counted.
    package var metrics = true
    /// Whether metrics are told apart by conversation.
    package var metricsConversationID = false
    package var logLevel = Logger.Level.info
    package var logFormat = LogFormat.text
    /// Whether what kills on purpose is allowed.
    package var faultInjection = false
    package var killAt: KillAt?
    package var stallAt: KillAt?

    /// Where each value that is not a default came from, by the setting's name.
    package internal(set) var sources: [String: String] = [:]

    /// The defaults.
    package init() {}

    package func topic(_ kind: TopicKind) -> String { self[keyPath: kind.keyPath] }
}

/// The topics of the service.
package enum TopicKind: String, Sendable, CaseIterable {
    case requests
    case events
    case deadLetters = "dead-letters"

    /// The name of the setting that names the topic.
    var settingName: String { "\(rawValue)-topic" }

    var keyPath: any WritableKeyPath<Settings, String> & Sendable {
        switch self {
        case .requests: \.requestsTopic
        case .events: \.eventsTopic
        case .deadLetters: \.deadLettersTopic
        }
    }

    func defaultName(prefix: String) -> String { "\(prefix).\(rawValue)" }
}
