import Consumer
import Kafka
import Logging
import SessionStore
import Synchronization

/// Carries out the releases of parked sessions whose partitions are this worker's, whichever worker was asked for them;
/// the worker that gets the partition next goes on with one that its owner did not finish.
struct SessionReleases: Sendable {
    /// So many at a time, each of which reads the dead letters.
    private static let atOnce = 4
    private static let interval = Duration.milliseconds(200)
    /// How long a release waits that something was in the way of.
    private static let retryDelay = Duration.seconds(2)

    let settings: Settings
    let store: any SessionStore
    let consumer: WorkerConsumer
    let logger: Logger

    /// Works until the task is cancelled.
    func run() async {
        let busy = BusySessions()
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                for park in consumer.parks where park.isReleasing && busy.count < Self.atOnce {
                    guard await isOurs(park.session), busy.begin(park.session) else { continue }
                    group.addTask {
                        await release(park.session)
                        busy.end(park.session)
                    }
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Whether the worker of the session's partition is this one. Nobody is of a session that has nothing to be sent
    /// again, or that is from another topic: then it is anyone's.
    private func isOurs(_ session: String) async -> Bool {
        do {
            guard let head = try await store.sessionHead(session), let log = head.positions.first?.log,
                log.topic == settings.requestsTopic
            else { return true }
            return consumer.status.partitions.contains {
                $0.isGranted && $0.partition.topic == log.topic && $0.partition.partition == log.partition
            }
        } catch {
            return false
        }
    }

    private func release(_ session: String) async {
        let release = SessionRelease(session: session, settings: settings, store: store, logger: logger)
        do {
            try await release.run()
            try await consumer.readParks()
        } catch {
            if Task.isCancelled { return }
            logger.warning(
                "A session is not released yet, which is tried again: \(error)",
                metadata: ["gen_ai.conversation.id": "\(session)"])
            try? await Task.sleep(for: Self.retryDelay)
        }
    }
}

/// The sessions that are at it.
private final class BusySessions: Sendable {
    private let sessions = Mutex<Set<String>>([])

    var count: Int { sessions.withLock { $0.count } }

    /// - Returns: `false` if it is already.
    func begin(_ session: String) -> Bool { sessions.withLock { $0.insert(session).inserted } }

    func end(_ session: String) { sessions.withLock { _ = $0.remove(session) } }
}
