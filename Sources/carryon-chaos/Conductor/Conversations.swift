import Conversation
import Kafka
import Synchronization

/// All users and their readers: sends each session's next step once its last one was seen to have ended.
final class Conversations: Sendable {
    private struct State {
        var dialogues: [Dialogue]
        var readers: [FollowingReader]
        var sent: [[SentRequest]]
        /// Requests handed to the producer and not acknowledged yet.
        var unacknowledged = 0
        var lastEvent: [ContinuousClock.Instant?]
        var longestPause: (Duration, session: String) = (.zero, "")
        var findings: [Finding] = []
        var eventCount = 0
        /// The highest offset of each partition that the broker has named.
        var highest: [TopicPartition: Int64] = [:]
        /// Whether users have stopped thinking.
        var isHurried = false
    }

    /// How far everything has come.
    struct Standing: Sendable {
        var sessionsOver = 0
        var turns = 0
        var requests = 0
        var events = 0
        var unacknowledged = 0
        var waiting: [(session: String, step: Int)] = []
        var reconnects = 0
        var longestPause = Duration.zero
        var longestPauseSession = ""
    }

    private let plan: ConversationPlan
    private let stage: Stage
    private let watch: CommitWatch
    /// How long a user thinks on average.
    private let pause: Duration
    private let indexes: [String: Int]
    private let state: Mutex<State>

    init(_ plan: ConversationPlan, on stage: Stage, watch: CommitWatch, pause: Duration) {
        self.plan = plan
        self.stage = stage
        self.watch = watch
        self.pause = pause
        indexes = Dictionary(uniqueKeysWithValues: plan.sessions.enumerated().map { ($1.id, $0) })
        state = Mutex(
            State(
                dialogues: plan.sessions.map { Dialogue($0) },
                readers: plan.sessions.map { FollowingReader(seed: $0.readerSeed) },
                sent: plan.sessions.map { _ in [] }, lastEvent: plan.sessions.map { _ in nil }))
    }

    var isOver: Bool { state.withLock { $0.dialogues.allSatisfy(\.isOver) && $0.unacknowledged == 0 } }
    var findings: [Finding] { state.withLock { $0.findings } }

    /// In the order in which they were acknowledged.
    func requests(of index: Int) -> [SentRequest] { state.withLock { $0.sent[index] } }
    func followed(_ index: Int) -> [Event] { state.withLock { $0.readers[index].kept } }
    /// What the reader was given, whatever it kept of it.
    func given(_ index: Int) -> [Event] { state.withLock { $0.readers[index].written } }

    var standing: Standing {
        state.withLock { state in
            var standing = Standing()
            for dialogue in state.dialogues {
                standing.turns += dialogue.completedTurns
                if dialogue.isOver { standing.sessionsOver += 1 }
                if dialogue.isWaiting { standing.waiting.append((dialogue.plan.id, dialogue.position)) }
            }
            standing.requests = state.sent.reduce(0) { $0 + $1.count }
            standing.events = state.eventCount
            standing.unacknowledged = state.unacknowledged
            standing.reconnects = state.readers.reduce(0) { $0 + $1.reconnects }
            (standing.longestPause, standing.longestPauseSession) = state.longestPause
            return standing
        }
    }

    /// Has every user begin to think about the first step.
    func start() {
        for index in plan.sessions.indices { think(index) }
    }

    /// From now on no user thinks any more.
    func hurry() {
        state.withLock { $0.isHurried = true }
    }

    private func think(_ index: Int) {
        let next = state.withLock { $0.dialogues[index].next }
        let share = next < plan.sessions[index].pauses.count ? plan.sessions[index].pauses[next] : 0
        let end = ContinuousClock.now + pause * share
        Task {
            while ContinuousClock.now < end, !state.withLock({ $0.isHurried }) {
                try? await Task.sleep(for: min(.milliseconds(200), end - ContinuousClock.now))
            }
            // What is decided and what is sent must have one order.
            state.withLock { state in
                let drafts = state.dialogues[index].proceed()
                send(drafts, of: index, &state)
            }
        }
    }

    private func send(_ drafts: [RequestWriter.Draft], of index: Int, _ state: inout State) {
        let session = plan.sessions[index].id
        let partition = stage.partition(of: session)
        for draft in drafts {
            state.unacknowledged += 1
            if state.lastEvent[index] == nil { state.lastEvent[index] = .now }
            let record = ProducerRecord(
                topic: Stage.requests, partition: partition, key: Array(session.utf8), value: draft.value,
                headers: draft.headers)
            stage.producer.produce(record) { [self] result in
                acknowledged(draft, index, TopicPartition(topic: Stage.requests, partition: partition), result)
            }
        }
    }

    private func acknowledged(
        _ draft: RequestWriter.Draft, _ index: Int, _ partition: TopicPartition, _ result: Result<Int64, KafkaError>
    ) {
        let session = plan.sessions[index].id
        switch result {
        case .success(let named):
            // A broker that had to be asked twice may name none, or a wrong one; those that it names rise.
            let offset = state.withLock { state in
                guard named > state.highest[partition] ?? -1 else { return Int64(-1) }
                state.highest[partition] = named
                return named
            }
            let request = SentRequest(
                session: session, step: draft.step, id: draft.id, messageID: draft.messageID, role: draft.role,
                partition: partition, offset: offset)
            if offset >= 0 { watch.add(request) }
            state.withLock { state in
                state.unacknowledged -= 1
                state.sent[index].append(request)
            }
        case .failure(let error):
            state.withLock { state in
                state.unacknowledged -= 1
                state.findings.append(
                    Finding(
                        .conduct, session, step: draft.step, "the conductor's own request \(draft.id)",
                        expected: "acknowledged", came: error))
            }
        }
    }

    /// Reads what came on the events topic.
    func heard(_ records: [KafkaRecord]) {
        for record in records {
            guard let index = record.keyString.flatMap({ indexes[$0] }) else {
                find(
                    Finding(
                        .reading, nil, "the key of an event", expected: "a session's", came: record.keyString ?? "none")
                )
                continue
            }
            do {
                let headers = record.headers.map { ($0.name, $0.value) }
                heard(try Event(key: record.key, value: record.value, headers: headers), of: index, in: record)
            } catch {
                find(
                    Finding(
                        .reading, plan.sessions[index].id, "an event", expected: "one that can be read", came: error))
            }
        }
    }

    private func heard(_ event: Event, of index: Int, in record: KafkaRecord) {
        let thinks = state.withLock { state in
            state.eventCount += 1
            if record.partition != stage.partition(of: event.session) {
                state.findings.append(
                    Finding(
                        .reading, event.session, "an event's partition", expected: stage.partition(of: event.session),
                        came: record.partition))
            }
            guard state.readers[index].read(event) else { return false }
            if let last = state.lastEvent[index] {
                let pause = ContinuousClock.now - last
                if pause > state.longestPause.0 { state.longestPause = (pause, event.session) }
            }
            let response = state.dialogues[index].heard(event)
            state.lastEvent[index] = state.dialogues[index].isWaiting ? .now : nil
            send(response.drafts, of: index, &state)
            return response.thinks
        }
        if thinks { think(index) }
    }

    func find(_ finding: Finding) {
        state.withLock { $0.findings.append(finding) }
    }
}
