/// The names of the service's own metrics. The article *Telemetry* has them in a table, which a test compares with this.
package enum MetricCatalog {
    // MARK: Turns, as the turn hosts count them

    package static let turns = MetricDefinition(
        "carryon.turns", .counter, labels: ["outcome", "cause", "region"],
        "Turns that were settled, by outcome; the cause is how the run before this one ended, if there was one")
    package static let turnDuration = MetricDefinition(
        "carryon.turn.duration", .histogram(MetricDefinition.turns), unit: .seconds, labels: ["outcome"],
        "From the beginning of a turn's last run to its settlement")
    package static let firstChunk = MetricDefinition(
        "carryon.turn.time_to_first_chunk", .histogram(MetricDefinition.turns), unit: .seconds,
        "From the beginning of a run to the acknowledgement of its first content, which readers have then")
    package static let tokens = MetricDefinition(
        "carryon.tokens", .counter, labels: ["type"],
        "Tokens that settled turns have used: input or output, as the provider reports them")
    package static let tokensSpentTwice = MetricDefinition(
        "carryon.tokens.spent_twice", .counter, labels: ["type"],
        "Tokens of calls of the model that a dead run had made and that were made again since nothing of their answers was kept: what the repeated calls used. A continued answer counts none"
    )
    package static let toolCalls = MetricDefinition(
        "carryon.tool.calls", .counter, labels: ["tool", "outcome"],
        "Calls of tools that were carried out here: ok or failed")
    package static let toolDuration = MetricDefinition(
        "carryon.tool.duration", .histogram(MetricDefinition.durations), unit: .seconds, labels: ["tool"],
        "How long tools took")
    package static let settlementDuration = MetricDefinition(
        "carryon.settlement.duration", .histogram(MetricDefinition.durations), unit: .seconds,
        "From a settlement's being handed to the store to its being durable")
    package static let recoveries = MetricDefinition(
        "carryon.recoveries", .counter, labels: ["cause", "policy"],
        "Runs that took a dead run's turn over: how that one ended, and what was done about its partial answer")
    package static let recoveryDuration = MetricDefinition(
        "carryon.recovery.duration", .histogram(MetricDefinition.durations), unit: .seconds,
        "From a run's beginning to its knowing how to go on with a dead run's answer")
    package static let duplicates = MetricDefinition(
        "carryon.duplicates", .counter, "Requests that came again after they were settled, and called no model")
    package static let deadLetters = MetricDefinition(
        "carryon.dead_letters", .counter, labels: ["cause"], "Requests that were set aside on the dead letters topic")

    // MARK: The store and the producers, of whatever process has them

    package static let storeCommitDuration = MetricDefinition(
        "carryon.store.commit.duration", .histogram(MetricDefinition.durations), unit: .seconds,
        "How long the session store's transactions took that wrote, each of them a group of writes")
    package static let storeCommitWrites = MetricDefinition(
        "carryon.store.commit.writes", .histogram(MetricDefinition.sizes),
        "Writes in such a transaction: settlements, beginnings of runs and what else there is")
    package static let storeFailures = MetricDefinition(
        "carryon.store.failures", .counter,
        "How often the session store failed something that may work later: turns wait for it, calls of the gateway are answered 503"
    )
    package static let deliveryDuration = MetricDefinition(
        "carryon.delivery.duration", .histogram(MetricDefinition.durations), unit: .seconds, labels: ["topic"],
        "From a record's being handed to the producer to the broker's acknowledgement")
    package static let deliveryFailures = MetricDefinition(
        "carryon.delivery.failures", .counter, labels: ["topic"], "Records that the producer has given up")

    // MARK: The consumer

    package static let requests = MetricDefinition(
        "carryon.requests", .counter, "Records of the requests topic that were taken in")
    package static let commits = MetricDefinition(
        "carryon.commits", .counter, labels: ["outcome"], "Commits of offsets: ok or refused")
    package static let commitDuration = MetricDefinition(
        "carryon.commit.duration", .histogram(MetricDefinition.durations), unit: .seconds,
        "From asking for a commit to the broker's answer")
    package static let commitPartitions = MetricDefinition(
        "carryon.commit.partitions", .histogram(MetricDefinition.sizes), "Partitions in a commit")
    package static let hostStarts = MetricDefinition("carryon.host.starts", .counter, "Turn hosts that came up")
    package static let hostDeaths = MetricDefinition(
        "carryon.host.deaths", .counter, labels: ["kind"], "Turn hosts that ended, by how")

    // MARK: What a worker has at the moment

    package static let partitionGranted = MetricDefinition(
        "carryon.partition.granted", .gauge, labels: ["topic", "partition"],
        "1 for a partition that is worked on, 0 for one that waits for its fence")
    package static let partitionPaused = MetricDefinition(
        "carryon.partition.paused", .gauge, labels: ["topic", "partition"],
        "1 for a partition that an operator has paused, 0 for any other")
    package static let partitionLag = MetricDefinition(
        "carryon.partition.lag", .gauge, labels: ["topic", "partition"],
        "Requests from the watermark (the next offset to commit) to the partition's end")
    package static let partitionSpan = MetricDefinition(
        "carryon.partition.uncommitted_span", .gauge, labels: ["topic", "partition"],
        "Offsets from the watermark to the last one that was taken in")
    package static let partitionQueued = MetricDefinition(
        "carryon.partition.queued", .gauge, labels: ["topic", "partition"],
        "Requests that were taken in and have not begun to run")
    package static let partitionRunning = MetricDefinition(
        "carryon.partition.in_flight", .gauge, labels: ["topic", "partition"], "Requests that run")
    package static let partitionOldest = MetricDefinition(
        "carryon.partition.oldest_age", .gauge, unit: .seconds, labels: ["topic", "partition"],
        "Age of the first request that is not settled, since it was taken in: how long the watermark has stood still")
    package static let hostsUp = MetricDefinition("carryon.hosts", .gauge, "Turn hosts that are up")
    package static let turnsRunning = MetricDefinition(
        "carryon.turns.running", .gauge, "Turns, actions and preloads that run")
    package static let sessions = MetricDefinition("carryon.sessions", .gauge, "Sessions that are held in memory")
    package static let sessionsParked = MetricDefinition(
        "carryon.sessions.parked", .gauge,
        "Sessions that an operator has parked, of all partitions: every worker tells the same number")
    package static let oldestTurn = MetricDefinition(
        "carryon.turn.oldest_age", .gauge, unit: .seconds, "How long the turn has run that began first")
    package static let storeAway = MetricDefinition(
        "carryon.store.away", .gauge, unit: .seconds, "How long the session store has been failing; 0 if it works")
    package static let eventsStalled = MetricDefinition(
        "carryon.events.stalled", .gauge, unit: .seconds,
        "How long events have been on their way without any being acknowledged; 0 if they are")
    package static let eventsOutstanding = MetricDefinition(
        "carryon.events.outstanding", .gauge,
        "Records that turn hosts have handed to their producers and that no broker has acknowledged")
    package static let ready = MetricDefinition("carryon.ready", .gauge, "1 if the worker is ready, 0 if not")

    // MARK: The gateway

    package static let calls = MetricDefinition(
        "carryon.gateway.calls", .counter, labels: ["method", "status"], "HTTP calls that were answered")
    package static let readers = MetricDefinition("carryon.gateway.readers", .gauge, "Readers that are connected")

    // MARK: Telemetry itself

    package static let droppedSeries = MetricDefinition(
        "carryon.telemetry.dropped_series", .counter, "How often a series was asked for that there was no room for")
    package static let droppedSpans = MetricDefinition(
        "carryon.telemetry.dropped_spans", .counter, "Spans that were not exported, for the endpoint was slow or away")

    /// All of them, in the order of the documentation.
    package static let all: [MetricDefinition] = [
        turns, turnDuration, firstChunk, tokens, tokensSpentTwice, toolCalls, toolDuration, settlementDuration,
        recoveries, recoveryDuration, duplicates, deadLetters,
        storeCommitDuration, storeCommitWrites, storeFailures, deliveryDuration, deliveryFailures,
        requests, commits, commitDuration, commitPartitions, hostStarts, hostDeaths,
        partitionGranted, partitionPaused, partitionLag, partitionSpan, partitionQueued, partitionRunning,
        partitionOldest, hostsUp, turnsRunning, sessions, sessionsParked, oldestTurn, storeAway, eventsStalled,
        eventsOutstanding, ready, calls, readers, droppedSeries, droppedSpans,
    ]

    static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
}
