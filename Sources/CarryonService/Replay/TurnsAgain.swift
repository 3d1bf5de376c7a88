import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore
import TurnHost

/// Has a session's turns answered anew from one of them on: keeps the history as a branch, takes the session back to before
/// that turn, and sends its requests again.
struct TurnsAgain {
    /// A request that is sent again, or why not.
    struct Item: Sendable {
        var record: KafkaRecord
        var type: String
        /// Why it is left out; `nil` if it is sent.
        var leftOut: String?
    }

    let stored: StoredSession
    let turn: Int
    let branch: String
    private static let branchMark = ".branch-"
    let items: [Item]
    private let earlier: EarlierHistory
    /// The partition that has the requests, and the events with it.
    private let partition: Int32

    /// Works out what there is to do.
    /// - Throws: ``CommandFailure`` if it can't be done.
    init(
        _ stored: StoredSession, turn: Int, settings: Settings, store: any SessionStore, reader: KafkaReader, now: Int64
    ) async throws {
        guard !stored.isClosed else { throw CommandFailure(.failed, "the session '\(stored.id)' is closed") }
        guard stored.openRuns.isEmpty else {
            throw CommandFailure(.failed, "a turn of the session '\(stored.id)' is running; try again when it is over")
        }
        self.stored = stored
        self.turn = turn
        branch = stored.id + Self.branchMark + "\(now / 1000)"
        _ = try SessionCopy(stored).at(turn: turn)
        earlier = EarlierHistory(stored.messages, state: stored.state ?? [], through: turn - 1)
        let runs = try await store.runs(of: stored.id).filter { $0.turn >= turn && $0.status.isFinal }
        guard let position = runs.first(where: { $0.turn == turn })?.position else {
            throw CommandFailure(
                .failed, "it is not on record which request turn \(turn) of '\(stored.id)' has answered")
        }
        guard position.log.topic == settings.requestsTopic, position.log.partition != StoredSession.noPartition else {
            throw CommandFailure(
                .failed, "turn \(turn) of '\(stored.id)' did not come from \(settings.requestsTopic)")
        }
        partition = position.log.partition
        let answered = Set(runs.map(\.position).filter { $0.log == position.log }.map(\.offset))
        items = try await Self.items(stored.id, from: position, answered, settings, reader)
        let settled = stored.positions.first { $0.log == position.log }?.offset ?? -1
        guard items.allSatisfy({ $0.record.offset <= settled }) else {
            throw CommandFailure(.failed, "requests of '\(stored.id)' are waiting; try again when they are answered")
        }
    }

    private static func items(
        _ session: String, from position: LogPosition, _ answered: Set<Int64>, _ settings: Settings,
        _ reader: KafkaReader
    ) async throws -> [Item] {
        let partition = TopicPartition(topic: position.log.topic, partition: position.log.partition)
        let key = Array(session.utf8)
        var items: [Item] = []
        _ = try await reader.read(from: [partition: .at(position.offset)], untilEnd: true) { records in
            for record in records where record.key == key { items.append(Item(record)) }
            return .proceed
        }
        guard items.first?.record.offset == position.offset else {
            throw CommandFailure(.failed, "\(settings.requestsTopic) does not have the turn's request any more")
        }
        let copied = Set(items.compactMap(\.original))
        for index in items.indices where items[index].leftOut == nil {
            let item = items[index]
            if copied.contains(item.place) {
                items[index].leftOut = "it was sent again before"
            } else if item.type != "action", !answered.contains(item.record.offset) {
                items[index].leftOut = "it was settled without a turn"
            }
        }
        return items
    }

    /// Does it, and tells the events, so that a store that is built again from them goes back there too.
    /// - Throws: ``CommandFailure`` if the session changes meanwhile; what the store and the broker say.
    func apply(_ store: any SessionStore, _ producer: KafkaProducer, eventsTopic: String, now: Int64) async throws {
        var copy = SessionCopy(stored)
        copy.id = branch
        try await copy.write(to: store, now: now)
        let (position, fence) = try await store.takeOperator()
        let settlement = Settlement(
            session: stored.id, expectedRevision: stored.revision, fence: fence, position: position, fingerprint: nil,
            history: earlier.change(from: stored.messages), state: earlier.state, turns: stored.turns,
            nextSeq: stored.nextSeq, at: now)
        guard case .written = try await store.settle(settlement) else {
            throw CommandFailure(
                .failed, "the session '\(stored.id)' has gone on meanwhile; the branch \(branch) stays")
        }
        var unsent = items.filter { $0.leftOut == nil }[...]
        do {
            let rewind = RewindRecord(session: stored.id, turn: turn, nextSeq: stored.nextSeq)
            _ = try await producer.send(rewind.made(topic: eventsTopic, partition: partition))
            while let item = unsent.first {
                _ = try await producer.send(item.again(at: now))
                unsent.removeFirst()
            }
        } catch {
            let places = unsent.map(\.place).joined(separator: ", ")
            throw CommandFailure(
                .unavailable,
                "the history of '\(stored.id)' was taken back (\(branch) has the old one), and these requests were not "
                    + "sent again: \(places). \(error)")
        }
    }
}

extension TurnsAgain {
    /// Whether `id` is a session that was kept when `session` was answered anew, or one that was kept of such a one.
    static func isBranch(_ id: String, of session: String) -> Bool {
        let prefix = session + branchMark
        guard id.hasPrefix(prefix) else { return false }
        return id.dropFirst(prefix.count).split(separator: branchMark, omittingEmptySubsequences: false)
            .allSatisfy { Int64($0) != nil }
    }
}

extension TurnsAgain.Item {
    init(_ record: KafkaRecord) {
        guard let request = try? record.decodedRequest() else {
            self.init(record: record, type: "undecodable", leftOut: "it can't be read")
            return
        }
        switch request.kind {
        case .message(let message) where message.role == .assistant:
            self.init(record: record, type: "tool answer", leftOut: "it is for a call of the old answer")
        case .message: self.init(record: record, type: "message")
        case .regenerate: self.init(record: record, type: "regenerate")
        case .action: self.init(record: record, type: "action")
        case .preload: self.init(record: record, type: "preload", leftOut: "the session is there")
        case .stop: self.init(record: record, type: "stop", leftOut: "it was for a turn that is over")
        case .close: self.init(record: record, type: "close", leftOut: "the session is open")
        }
    }

    /// What the keys of requests begin with that were sent again.
    private static let mark = "again:"

    /// Where it stands.
    fileprivate var place: String { "\(record.topic)-\(record.partition)-\(record.offset)" }

    /// Where the request stands that this one is a copy of; `nil` if it is none.
    fileprivate var original: String? {
        guard let key = record.headerString("idempotency-key"), key.hasPrefix(Self.mark),
            let end = key.lastIndex(of: "@")
        else { return nil }
        return String(key[..<end].dropFirst(Self.mark.count))
    }

    /// The request as a new one: its key would make it a duplicate of itself, and its deadline may have passed.
    fileprivate func again(at now: Int64) -> ProducerRecord {
        var value = record.value ?? []
        if var members = try? JSON(parsing: value).objectValue {
            _ = members.removeValue("idempotencyKey")
            _ = members.removeValue("deadline")
            value = JSON.object(members).serialized()
        }
        let headers = record.headers.filter { $0.name != "idempotency-key" && !Redrive.Header.all.contains($0.name) }
        return ProducerRecord(
            topic: record.topic, partition: record.partition, key: record.key, value: value,
            headers: headers + [KafkaHeader("idempotency-key", "\(Self.mark)\(place)@\(now)")])
    }
}
