package import Kafka

/// Everything that a consumer is told about its surroundings.
package struct ConsumerOptions: Sendable {
    /// A step at which fault injection may end the process.
    package enum Step: String, Sendable, Hashable {
        /// Just before an offset commit is sent.
        case beforeCommit = "before-commit"
    }

    /// librdkafka properties of every client, `bootstrap.servers` among them.
    package var kafka: KafkaProperties
    package var groupID: String
    package var requestsTopic: String
    package var deadLettersTopic: String
    package var eventsTopic: String
    /// Requests received and not settled, of all partitions. One poll's batch may come on top, a tenth of it.
    package var maxInFlight = 10_000
    /// The most requests that one poll takes: what is gathered when the bound is reached still comes in.
    var batchRecords: Int { min(1_000, max(1, maxInFlight / 10)) }
    /// Requests of one session among these; at least 16 count, and never more than half of all. What comes beyond that
    /// is put off, and read again when its session's turn has come.
    package var maxInFlightPerSession = 64
    /// Bytes of these requests.
    package var maxInFlightBytes = 64 << 20
    /// Offsets of one partition between its first unsettled and its last received request.
    package var maxUncommittedSpan: Int64 = 100_000
    /// Bytes of a request's key and value; larger ones are dead-lettered.
    package var maxRequestBytes = 1 << 20
    /// How long a rebalance waits until partitions that were given out are ready.
    package var assignTimeout = Duration.seconds(5)
    /// How long a rebalance waits until running turns have let go of a partition.
    package var revokeTimeout = Duration.seconds(10)
    /// How long running turns may go on when the consumer is asked to stop.
    package var drainTimeout = Duration.seconds(25)
    /// How long settlements are gathered into one commit.
    package var commitInterval = Duration.milliseconds(100)
    /// How long a host may owe an answer before it is taken for stuck, and ended.
    package var hostTimeout = Duration.seconds(60)
    /// After how long a request that holds its partition's committed offset back is told of.
    package var headAgeLimit = Duration.seconds(60)
    package var health = HealthThresholds(turn: nil)
    /// How long a request waits whose hosts died under it.
    package var hostRetry = RetryDelay()
    /// Turn hosts that sessions are spread over, not counting the spare and the one for sessions that are tried apart;
    /// with 0 there is one, and it is expected to live in this process.
    package var hosts: Int
    /// In front of every host's name; unique among the workers.
    package var hostIDPrefix: String
    /// Handed to every host with its first command.
    package var hostSettings: [UInt8] = []
    /// The cluster's id to use in place of the broker's own: the embedded broker's is the same each time, its logs are
    /// not.
    package var logIdentityOverride: String?
    /// Gets what the hosts have counted.
    package var onCounted: (@Sendable ([UInt8]) -> Void)?
    /// Called at each step, for fault injection.
    package var onStep: (@Sendable (Step) -> Void)?

    package init(
        kafka: KafkaProperties, groupID: String, requestsTopic: String, deadLettersTopic: String, eventsTopic: String,
        hosts: Int, hostIDPrefix: String
    ) {
        self.kafka = kafka
        self.groupID = groupID
        self.requestsTopic = requestsTopic
        self.deadLettersTopic = deadLettersTopic
        self.eventsTopic = eventsTopic
        self.hosts = hosts
        self.hostIDPrefix = hostIDPrefix
    }

    /// Both halves of a group of suspects are tried at once.
    private static let trialHosts = 2

    /// A record of 64 MiB, far above what is accepted as a request, can still be moved to the dead letters.
    private static let largestRecord = 64 << 20

    var consumerProperties: KafkaProperties {
        let defaults: KafkaProperties = [
            "receive.message.max.bytes": String(2 * Self.largestRecord), "fetch.max.bytes": String(Self.largestRecord),
            // Of each partition: the bounds above hold what is taken in, this what waits to be.
            "queued.max.messages.kbytes": "16384",
            // A broker that does not wake a waiting fetch answers at its end only.
            "fetch.wait.max.ms": "100",
        ]
        return defaults.merging(kafka).merging(["group.id": groupID])
    }

    var producerProperties: KafkaProperties {
        let defaults: KafkaProperties = ["message.max.bytes": String(Self.largestRecord)]
        return defaults.merging(kafka)
    }

    var core: ConsumerCore.Settings {
        ConsumerCore.Settings(
            slots: max(hosts, 1), trialSlots: hosts > 0 ? Self.trialHosts : 0,
            bounds: Backpressure.Bounds(requests: maxInFlight, bytes: maxInFlightBytes, span: maxUncommittedSpan),
            requestsPerSession: maxInFlightPerSession, commitInterval: commitInterval, hostRetry: hostRetry,
            seed: StableHash.of(hostIDPrefix))
    }
}
