import Kafka
import Logging
import SessionStore
import TurnHost

/// The release of one parked session: what was set aside of it is sent again, in its order, and the park ends when all of
/// that is through.
///
/// Until then the session stays parked for everything but what was sent again, so that nothing that comes meanwhile
/// overtakes it: that is set aside too, and sent behind it in the next round. The store ends the park only if nothing has
/// happened to the session since there was found nothing to be sent.
struct SessionRelease: Sendable {
    private static let interval = Duration.milliseconds(100)

    let session: String
    let settings: Settings
    let store: any SessionStore
    let logger: Logger

    /// Returns when the session is released, or is to be no more.
    func run() async throws {
        var sent = 0
        while try await isReleasing {
            // In this order: what is set aside after this raises it.
            let revision = try await store.sessionHead(session)?.revision ?? 0
            let places = try await sendAgain()
            sent += places.count
            if places.isEmpty {
                if try await store.endRelease(of: session, atRevision: revision) {
                    return logger.notice(
                        "A session is released.", metadata: ["gen_ai.conversation.id": "\(session)", "sent": "\(sent)"])
                }
                // Something has just been settled, or still runs; to look for letters again is to read all of them.
                try await Task.sleep(for: Self.interval * 10)
            }
            for place in places {
                while try await isReleasing, try await !hasSettled(place) { try await Task.sleep(for: Self.interval) }
            }
        }
    }

    private var isReleasing: Bool {
        get async throws { try await store.parkedSession(session)?.isReleasing == true }
    }

    /// Sends the requests again that are in the dead letters because the session is parked.
    /// - Returns: where they are now.
    private func sendAgain() async throws -> [Place] {
        let reader = try await LetterReader(settings: settings, logger: logger)
        let result: Result<[Place], any Error>
        do {
            result = .success(try await sendAgain(reader))
        } catch {
            result = .failure(error)
        }
        await reader.close()
        return try result.get()
    }

    private func sendAgain(_ reader: LetterReader) async throws -> [Place] {
        let all = try await reader.ledger().entries
        let entries = all.filter {
            $0.isOpen && $0.letter.cause == DeadLetter.Cause.parked.rawValue && $0.letter.session == session
        }
        guard !entries.isEmpty else { return [] }
        let rules = RedriveRules(
            includesUndecodable: false, isBehindNewerAllowed: true,
            partitions: try await settings.partitions(ofDestinations: entries, logger: logger),
            sentAgain: SessionProgress.SentAgain(all))
        let refusals = try await rules.refusals(of: entries, store)
        for (letter, refusal) in refusals {
            logger.info(
                "A letter of a session that is released is left where it is: \(refusal)",
                metadata: ["gen_ai.conversation.id": "\(session)", "letter": "\(letter)"])
        }
        let letters = RedriveRules.order(entries.map(\.letter).filter { refusals[$0.id] == nil })
        guard !letters.isEmpty else { return [] }
        let producer = try KafkaProducer(settings.letterProperties(), logger: logger)
        var places: [Place] = []
        var failure: (any Error)?
        do {
            try await Redriver(reader: reader, producer: producer, now: wallClock).redrive(letters) { letter, outcome in
                switch outcome {
                case .sent(let place), .refused(.unmarked(let place, _)):
                    places.append(Place(topic: letter.destination?.topic ?? settings.requestsTopic, id: place))
                case .refused(let refusal):
                    logger.warning(
                        "A letter of a session that is released was not sent: \(refusal)",
                        metadata: ["gen_ai.conversation.id": "\(session)", "letter": "\(letter.id)"])
                case .discarded: break
                }
            }
        } catch {
            failure = error
        }
        await producer.close()
        if let failure { throw failure }
        return places
    }

    /// Where a request was sent.
    private struct Place {
        var topic: String
        /// Nil if the broker did not say.
        var id: LetterID?
    }

    private func hasSettled(_ place: Place) async throws -> Bool {
        guard let id = place.id else { return true }
        func isBehind(_ position: LogPosition?) -> Bool? {
            guard let position, position.log.topic == place.topic, position.log.partition == id.partition else {
                return nil
            }
            return position.offset >= id.offset
        }
        if let found = isBehind(try await store.sessionHead(session)?.positions.first) { return found }
        return try await store.loadSession(session)?.positions.contains { isBehind($0) == true } ?? false
    }
}
